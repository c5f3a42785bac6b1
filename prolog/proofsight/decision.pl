:- module(proofsight_decision,
          [ decision/3,                 % +KB, ?Image, ?Class
            score/4                     % +KB, ?Image, ?Class, ?Points
          ]).
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(facts, [image/2]).

/** <module> The one answer

class/2 may hold for several classes or for none.  The policies differ in
the order in which rules for classes are tried; the first that fires
decides, and where none does, the default.  Under the policy `points` the
greatest score decides.
*/

%!  decision(+KB, ?Image, ?Class) is nondet.
%
%   Class is what the program decides of Image.  Semidet where Image is
%   given; fails where no rule fires and there is no default.

decision(KB, Image, Class) :-
    image(KB, Image),
    (   KB:'$candidate'(Clause),
        clause(KB:class(Image, Class0), Body, Clause),
        call(KB:Body)
    ->  Class = Class0
    ;   KB:'$base'(_, _)
    ->  findall(Class1-Points, score(KB, Image, Class1, Points), Scores),
        best(Scores, Class)
    ;   KB:default_class(Class)
    ).

%   Of equal scores the first is best.

best([Class0-Points|Scores], Class) :-
    best(Scores, Points, Class0, Class).

best([], _, Class0, Class) =>
    Class = Class0.
best([Class1-Points1|Scores], Points0, Class0, Class) =>
    (   Points1 > Points0
    ->  best(Scores, Points1, Class1, Class)
    ;   best(Scores, Points0, Class0, Class)
    ).

%!  score(+KB, ?Image, ?Class, ?Points) is nondet.
%
%   Class has Points for Image: its base and those of its points/3 that
%   hold.  By the order of classes; fails under other policies.

score(KB, Image, Class, Points) :-
    image(KB, Image),
    KB:'$base'(Class, Base),
    aggregate_all(sum(Some), KB:points(Image, Class, Some), Sum),
    Points is Base + Sum.
