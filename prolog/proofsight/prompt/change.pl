:- module(proofsight_change,
          [ flip/2,                     % ?Image, ?Class
            flip/3                      % ?Image, ?Class, -Changes
          ]).
:- use_module(library(lists), [member/2]).
:- use_module('../flip', [flip/4]).
:- use_module('../flip_answer', [flip_lines/4, flip_terms/3]).
:- use_module('../truth', [about/3, winning/2]).
:- use_module(current, [known_class/2, known_image/2]).

/** <module> At the prompt: what would change a decision
*/

%!  flip(?Image, ?Class) is nondet.
%
%   Prints the fewest propositions whose change has Class decided of Image.
%   An unbound Class becomes the nearest other decision, or none() where that
%   is that nothing is decided.

flip(Image, Class) :-
    fewest(Image, Class, KB, Target, Flip),
    flip_lines(KB, Target, Flip, Lines),
    forall(member(Line, Lines), format('~s~n', [Line])),
    ignore(reached(Flip, Class)).

%!  flip(?Image, ?Class, -Changes) is nondet.
%
%   Changes are those that flip/2 prints, each change(Proposition, Value,
%   Needed), where Needed is above(Threshold) or at_most(Threshold).  Fails,
%   and says why, where no change is enough, or none was found in time.

flip(Image, Class, Changes) :-
    fewest(Image, Class, KB, Target, Flip),
    Flip = flip(Status, _, _, _, _, _, _, _),
    (   Status == 'FOUND'
    ->  true
    ;   flip_lines(KB, Target, Flip, [Heading|_]),
        print_message(warning, proofsight('repl.flip', [found=Heading]))
    ),
    reached(Flip, Class),
    flip_terms(KB, Flip, Changes).

fewest(Image, Class, KB, Target, Flip) :-
    known_image(Image, KB),
    (   var(Class)
    ->  Target = other()
    ;   known_class(KB, Class),
        Target = class(Class)
    ),
    about(KB, Image, About),
    flip(About, Target, [inferences(50_000_000), seconds(10), steps(1_000_000)], Flip).

reached(flip(_, _, To, Changes, Verified, _, _, _), Class) :-
    (   Changes == []
    ->  Verified == true
    ;   true
    ),
    (   winning(To, Class0)
    ->  Class = Class0
    ;   Class = none()
    ).
