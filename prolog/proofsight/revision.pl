:- module(proofsight_revision,
          [ load_revision/4,            % +Directory, -KB, -Program, -Issues
            unload_revision/1,          % +KB
            revision/2                  % ?KB, ?Directory
          ]).
:- use_module(library(lists), [member/2]).
:- autoload(library(sandbox), [safe_goal/1]).
:- use_module(allowed, [vocabulary/2]).
:- use_module(annex_words, [annex_query/3]).
:- use_module(check, [check_directory/3, errors/2]).
:- use_module(graph, [build_graph/2, forget_graph/1]).
:- use_module(ladder, [forget_ladders/1]).
:- use_module(messages, [text/3]).
:- use_module(program,
              [bases/2, part/3, place/4, policy/2, predicates/2, priority/2]).
:- use_module(vocabulary, []).

:- det(load_revision/4).
:- det(unload_revision/1).

/** <module> Revisions, each in a module of its own

A revision is loaded from its checked items into a new module that
inherits from the vocabulary alone; any number stand side by side.
*/

:- dynamic
    revision/2.                         % KB, Directory

%!  revision(?KB, ?Directory) is nondet.
%
%   KB is the module into which Directory was loaded.

%!  load_revision(+Directory, -KB, -Program, -Issues) is det.
%
%   Loads Directory, if Issues has no errors, under a new KB.

load_revision(Directory, KB, Program, Issues) :-
    check_directory(Directory, Program, Issues0),
    errors(Issues0, Errors),
    (   Errors == []
    ->  flag(proofsight_revisions, N, N + 1),
        atom_concat(proofsight_kb_, N, KB),
        catch(( fill(KB, Program),
                sandboxed(KB, Program, Unsafe)
              ),
              Error,
              ( unload_revision(KB),
                throw(Error)
              )),
        (   Unsafe == []
        ->  assertz(revision(KB, Directory)),
            Issues = Issues0
        ;   unload_revision(KB),
            Issues = Unsafe
        )
    ;   Issues = Issues0
    ).

fill(KB, Program) :-
    set_module(KB:base(proofsight_vocabulary)),
    set_module(KB:class(user)),
    predicates(Program, Indicators),
    forall(own(Name0, Arity0), declare(KB, Name0/Arity0)),
    forall(member(Name/Arity, Indicators),
           ( declare(KB, Name/Arity),
             assertz(KB:'$user'(Name, Arity))
           )),
    assertz(KB:(value(Image, P, V) :- carried_value(Image, P, V))),
    assertz(KB:(measured(Image2, P2, V2) :- carried_measurement(Image2, P2, V2))),
    assertz(KB:(predicted(Image1, C, V1) :- carried_prediction(Image1, C, V1))),
    kinds(Kinds),
    forall(( member(Kind, Kinds),
             part(Kind, Program, Items),
             member(Item, Items)
           ),
           add(Item, KB, Program)),
    part(annex, Program, Annexes),
    forall(( member(annex(_, Facts), Annexes),
             member(Fact, Facts)
           ),
           assertz(KB:Fact)),
    policy(Program, Policy),
    deciders(Policy, KB, Program),
    build_graph(KB, Program).

kinds([ layer, reads, proposition, policy, default_class, base_points,
        class_order, stats, label, rule, user
      ]).

%   The predicates that a revision has itself.

own(Name, Arity) :-
    vocabulary(Name, Arity),
    \+ memberchk(Name/Arity, [active/2, decision/2, rule/2, score/3]),
    \+ annex_query(Name, Arity, _).
own('$node', 2).
own('$goal', 5).
own('$named', 3).
own('$text', 3).
own('$layer', 2).
own('$size', 3).
own('$observable', 2).
own('$rule', 2).
own('$candidate', 1).
own('$base', 2).
own('$user', 2).
own('$place', 2).

declare(KB, Indicator) :-
    dynamic(KB:Indicator),
    multifile(KB:Indicator),
    discontiguous(KB:Indicator).

add(layer(Atom, Module, Kind, Size, _), KB, _) =>
    assertz(KB:layer(Atom, Module, Kind, Size)).
add(reads(Layer, Place, _), KB, _) =>
    assertz(KB:reads(Layer, Place)).
add(proposition(Name, Feature, Threshold, _), KB, _) =>
    assertz(KB:proposition(Name, Feature, Threshold)).
add(policy(Policy, _), KB, _) =>
    assertz(KB:policy(Policy)).
add(default_class(Class, _), KB, _) =>
    assertz(KB:default_class(Class)).
add(base_points(Class, Points, _), KB, _) =>
    assertz(KB:base_points(Class, Points)).
add(class_order(Classes, _), KB, _) =>
    assertz(KB:class_order(Classes)).
add(stats(Rule, Pairs, _), KB, _) =>
    findall(Statistic,
            ( member(Key-Value, Pairs), Statistic =.. [Key, Value] ),
            Statistics),
    assertz(KB:rule_stats(Rule, Statistics)).
add(label(P, Text, By, _), KB, _) =>
    assertz(KB:label(P, Text, By)).
add(rule(Id, _, _, Clause, _), KB, _) =>
    assertz(KB:Clause, Reference),
    assertz(KB:'$rule'(Id, Reference)).
add(user(Head, Body, _, _, Offset), KB, Program) =>
    assertz(KB:(Head :- Body), Reference),
    place(Program, 'user.pl', Offset, Line:_),
    format(atom(Place), 'user.pl:~d', [Line]),
    assertz(KB:'$place'(Reference, Place)).

%   What decision/3 tries or adds up.

deciders(points, KB, Program) =>
    bases(Program, Bases),
    forall(member(Class-Base, Bases),
           assertz(KB:'$base'(Class, Base))),
    assertz(KB:(class(Image, Class1) :- decision(Image, Class1))).
deciders(_, KB, Program) =>
    priority(Program, Priority),
    forall(member(Id-_, Priority),
           ( KB:'$rule'(Id, Reference),
             assertz(KB:'$candidate'(Reference))
           )).

%   The second opinion of library(sandbox) on user.pl.  It is bounded, as it
%   follows every call.

sandboxed(KB, Program, Issues) :-
    part(user, Program, Users),
    findall(Issue,
            ( member(user(Head, _, _, _, Offset), Users),
              unsafe(KB:Head, Why),
              place(Program, 'user.pl', Offset, Line:Column),
              format(string(Goal), '~p', [Why]),
              text('issue.unsafe_goal', [goal=Goal], Message),
              Issue = issue(error, unsafe_goal, 'user.pl', Line, Column, Message)
            ),
            Issues).

unsafe(Goal, Why) :-
    catch(call_with_inference_limit(safe_goal(Goal), 1_000_000, Result),
          error(Formal, _),
          Result = refused(Formal)),
    (   Result = refused(Why)
    ->  true
    ;   Result == inference_limit_exceeded,
        Why = Result
    ).

%   sandbox.pl takes facts alone, of predicates that are there.

term_expansion(safe_annex_queries, Clauses) :-
    findall(sandbox:safe_primitive(proofsight_vocabulary:Query),
            ( annex_query(Name, Arity, _), functor(Query, Name, Arity) ),
            Clauses).

:- multifile
    sandbox:safe_primitive/1,
    sandbox:safe_meta/2.

sandbox:safe_primitive(proofsight_vocabulary:active(_, _)).
sandbox:safe_primitive(proofsight_vocabulary:decision(_, _)).
sandbox:safe_primitive(proofsight_vocabulary:score(_, _, _)).
sandbox:safe_primitive(proofsight_vocabulary:rule(_, _)).
sandbox:safe_primitive(proofsight_vocabulary:carried_value(_, _, _)).
sandbox:safe_primitive(proofsight_vocabulary:carried_measurement(_, _, _)).
sandbox:safe_primitive(proofsight_vocabulary:carried_prediction(_, _, _)).
safe_annex_queries.
sandbox:safe_meta(proofsight_vocabulary:at_least(_, Goals), Goals).

%!  unload_revision(+KB) is det.
%
%   Empties the module KB.

unload_revision(KB) :-
    retractall(revision(KB, _)),
    forget_graph(KB),
    forget_ladders(KB),
    forall(( current_predicate(KB:Name/Arity),
             functor(Head, Name, Arity),
             \+ predicate_property(KB:Head, imported_from(_)),
             predicate_property(KB:Head, dynamic)
           ),
           retractall(KB:Head)).
