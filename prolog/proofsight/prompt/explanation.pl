:- module(proofsight_explanation,
          [ why/1,                      % :Goal
            why/2,                      % ?Image, ?Class
            why_not/2,                  % ?Image, +Class
            why_not/3,                  % ?Image, +Class, +Options
            proof/2,                    % :Goal, -Proof
            proof/3,                    % :Goal, -Proof, +Options
            show/1                      % +Proof
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(library(option), [option/3]).
:- use_module('../encoding', [nodes_terms/2]).
:- use_module('../facts', [image/2]).
:- use_module('../messages', [text/3]).
:- use_module('../proof', [nodes/5, root/4]).
:- use_module('../question', [scope/2]).
:- use_module('../safety', [safe_goal/3]).
:- use_module('../show', [proof_lines/2]).
:- use_module(current, [failed/2, known_class/2, known_image/2, the_current/1]).
:- use_module(options, [checked_options/3]).

:- meta_predicate
    proof(:, -),
    proof(:, -, +),
    why(:).

:- det(proof/2).
:- det(proof/3).
:- det(show/1).

/** <module> At the prompt: why, and why not
*/

%!  why(?Image, ?Class) is nondet.
%
%   Prints why Class was decided of Image or, where it was not, why not.  An
%   unbound Class becomes the decision.

why(Image, Class) :-
    known_image(Image, KB),
    (   var(Class)
    ->  ignore(KB:decision(Image, Class))
    ;   known_class(KB, Class)
    ),
    explain(KB, decision(Image, Class), why, []).

%!  why_not(?Image, +Class) is nondet.
%
%   Prints why Class was not decided of Image or, where it was, why: of its
%   rules those that come nearest to firing, of its points those that it
%   lacks, and how many more there are.

why_not(Image, Class) :-
    why_not(Image, Class, []).

%!  why_not(?Image, +Class, +Options) is nondet.
%
%   As why_not/2; with whole(true) among Options, nothing is left out.

why_not(Image, Class, Options) :-
    checked_options(why_not/3, Options, [whole(boolean, true)]),
    known_image(Image, KB),
    (   var(Class)
    ->  true
    ;   known_class(KB, Class)
    ),
    explain(KB, decision(Image, Class), why_not, Options).

%!  why(:Goal) is nondet.
%
%   Prints a proof of Goal or, where there is none, its refutation.  Goal is
%   a question over the knowledge base: its words, the predicates of
%   `user.pl` and pure built-ins.  An image stands for its decision, and an
%   unbound Goal for each of the images.

why(_:Goal) :-
    var(Goal),
    !,
    why(Goal, _).
why(_:Name) :-
    atomic(Name),
    the_current(KB),
    atom_string(Image, Name),
    image(KB, Image),
    !,
    why(Image, _).
why(_:Goal) :-
    the_current(KB),
    catch(explain(KB, Goal, why, []),
          error(proofsight('issue.undeclared_predicate', _), _),
          unknown(KB, Goal)).

%   A name may be meant for an image; what else is unknown is told as before.

unknown(KB, Name) :-
    atom(Name),
    !,
    findall(Known, image(KB, Known), Images),
    format(atom(Text), '~q', [Name]),
    failed('repl.no_question', [name=Text, nearest=near(Name, Images)]).
unknown(KB, Goal) :-
    question(KB, Goal).

explain(KB, Goal, Asked, Options) :-
    proof(KB, Goal, Options, Proof, Holds),
    (   Asked == why,
        Holds == false
    ->  heading('heading.refuted')
    ;   Asked == why_not,
        Holds == true
    ->  heading('heading.proved')
    ;   true
    ),
    show(Proof).

heading(Key) :-
    text(Key, [], Heading),
    format('~s~n', [Heading]).

%!  proof(:Goal, -Proof) is det.
%
%   Proof is proof(Nodes, CutShort): Nodes are node(Goal, Kind, Status,
%   Children, Details), Children their numbers from 0, the root; CutShort is
%   `nodes` where 10,000 were not enough, else ''.  Variables of Goal are
%   bound by its first answer.

proof(Goal, Proof) :-
    proof(Goal, Proof, []).

%!  proof(:Goal, -Proof, +Options) is det.
%
%   As proof/2.  With whole(true) among Options, refutations of classes have
%   all rules and points; else those that come nearest, and left_out(Count)
%   among Details.

proof(_:Goal, Proof, Options) :-
    checked_options(proof/3, Options, [whole(boolean, true)]),
    the_current(KB),
    proof(KB, Goal, Options, Proof, _).

proof(KB, Goal, Options, proof(Nodes, CutShort), Holds) :-
    option(whole(Whole), Options, false),
    question(KB, Goal),
    (   KB:Goal
    ->  Holds = true
    ;   Holds = false
    ),
    root(KB, Goal, none(), Root),
    nodes(Root, 10_000, Whole, Found, CutShort),
    nodes_terms(Found, Nodes).

%   A goal is run more than once to explain it, so it must be pure.

question(KB, Goal) :-
    scope(KB, Scope),
    catch(safe_goal(Goal, 0-0, Scope),
          refused(Code, Slots, _),
          ( atom_concat('issue.', Code, Key),
            failed(Key, Slots)
          )).

%!  show(+Proof) is det.
%
%   Prints a proof as by proof/2.
%
%   @error proofsight('repl.no_proof', Slots) for anything else.

show(Proof) :-
    (   ground(Proof),
        Proof = proof([_|_], _)
    ->  true
    ;   format(atom(Given), '~W', [Proof, [quoted(true), max_depth(10)]]),
        failed('repl.no_proof', [given=Given])
    ),
    proof_lines(Proof, Lines),
    forall(member(Line, Lines), format('~s~n', [Line])).
