:- module(proofsight_graph,
          [ build_graph/2,              % +KB, +Program
            graph/2,                    % +KB, -Graph
            forget_graph/1              % +KB
          ]).
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [member/2, nth1/3]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(circuits, [behind/3]).
:- use_module(numbering,
              [ clauses_by_head/3, clauses_of/3, describe/6, named/4,
                numbered/2, start_numbers/1
              ]).
:- use_module(outcome, [outcome_nodes/3]).
:- use_module(program, [classes/2, part/3]).

:- det(build_graph/2).
:- det(graph/2).
:- det(forget_graph/1).

/** <module> The program as a numbered graph

What a proof of one image may mention is known when a program is loaded:
its propositions, their negations, the clauses, and the goals that are
heads.  Each gets a number, and facts in the module of the revision:

  - '$node'(Id, Spec): what decides it
    - active(Index, Layer, Threshold, Clauses): the value at Index (0: never
      observed) or, where the Layer, a number, is not observed, the derived/2 Clauses
    - any(Clauses): the first clause that holds
    - clause(Body): every node of Body; under `points`, also of class/2
    - not(Node)
    - at_least(M, Nodes)
    - winner(Order, Candidates, Default): the first of Clause-Class that holds;
      Order is `classes` or `rules`, Default default(Class) or `none`
    - points(Order): the first of Class-Score with the greatest; Order is that
      of the classes
    - score(Base, Lines): Base and those of Points-Clause that hold
    - decision(Class, Node), decision(Nodes): one class, or none; a Node is
      that of class/2 or, under the policy `points`, of the score
    - default(ClassNodes)
  - '$goal'(Id, Kind, Image, Goal, Details): how it reads; Details are
    class(C), proposition(P), label(L), circuit(C), rule(R), points(N),
    threshold(T)
  - '$named'(Name, Kind, Id): the node of a goal
  - '$text'(Id, Head, After): its JSON for the image `img`, see node_texts/5
  - '$layer'(Number, Indexes): where the values of a layer stand
  - '$size'(Nodes, Layers, Values): how many there are
*/

%!  build_graph(+KB, +Program) is det.
%
%   Adds the graph of Program, which has no errors, to module KB.

build_graph(KB, Program) :-
    start_numbers(KB),
    part(proposition, Program, Propositions),
    observables(Propositions, 1, KB),
    layers(Propositions, KB, Layers),
    part(rule, Program, Rules),
    classes(Program, Classes),
    forall(member(proposition(P, _, _, _), Propositions), named(KB, P, active, _)),
    forall(member(rule(Id, _, _, _, _), Rules), named(KB, Id, clause, _)),
    forall(member(Class, Classes), named(KB, Class, class, _)),
    forall(member(rule(Id, Head, Elements, _, _), Rules),
           clause_node(KB, Id, Head, Elements)),
    clauses_by_head(KB, Rules, ByHead),
    part(label, Program, Labels),
    forall(member(proposition(P, Feature, Threshold, _), Propositions),
           active_node(KB, ByHead, Labels, Layers, P, Feature, Threshold)),
    excepted(Rules, Excepted),
    forall(member(Rule, Excepted), exception_node(KB, ByHead, Rule)),
    outcome_nodes(KB, Program, ByHead),
    numbered(KB, Size),
    length(Layers, LayerCount),
    aggregate_all(count, KB:'$observable'(_, _), Values),
    assertz(KB:'$size'(Size, LayerCount, Values)).

%!  graph(+KB, -Graph) is det.
%
%   Graph is graph(node(Spec, Head, After), ...), the facts '$node' and
%   '$text' as one term.  Each thread keeps it in a global variable, where it
%   is read without being copied: proofs take half the time.

graph(KB, Graph) :-
    (   nb_current(KB, Graph0)
    ->  Graph = Graph0
    ;   findall(Id-node(Spec, Head, After),
                ( KB:'$node'(Id, Spec),
                  (   KB:'$text'(Id, Head, After)
                  ->  true
                  ;   Head = '',        % the winner is never shown
                      After = ''
                  )
                ),
                Pairs0),
        keysort(Pairs0, Pairs),
        pairs_values(Pairs, Nodes),
        compound_name_arguments(Graph, graph, Nodes),
        nb_setval(KB, Graph)
    ).

%!  forget_graph(+KB) is det.

forget_graph(KB) :-
    (   nb_current(KB, _)
    ->  nb_delete(KB)
    ;   true
    ).

observables([], _, _) =>
    true.
observables([proposition(_, _, none, _)|Propositions], N, KB) =>
    observables(Propositions, N, KB).
observables([proposition(P, _, _, _)|Propositions], N, KB) =>
    assertz(KB:'$observable'(P, N)),
    N1 is N + 1,
    observables(Propositions, N1, KB).

layers(Propositions, KB, Layers) :-
    findall(Layer,
            ( member(proposition(_, Feature, _, _), Propositions),
              arg(1, Feature, Layer)
            ),
            Layers0),
    sort(Layers0, Layers),
    forall(( nth1(Number, Layers, Layer),
             findall(Index,
                     ( member(proposition(P, Feature, Threshold, _), Propositions),
                       Threshold \== none,
                       arg(1, Feature, Layer),
                       KB:'$observable'(P, Index)
                     ),
                     Indexes)
           ),
           assertz(KB:'$layer'(Number, Indexes))).

%   Clauses and their bodies.

clause_node(KB, Id, Head, Elements) :-
    named(KB, Id, clause, Node),
    maplist(element_node(KB), Elements, Body),
    assertz(KB:'$node'(Node, clause(Body))),
    head_goal(Head, Image, Goal),
    (   Head = points(_, Points)
    ->  describe(KB, Node, points, Image, Goal, [rule(Id), points(Points)])
    ;   describe(KB, Node, rule, Image, Goal, [rule(Id)])
    ).

head_goal(class(Class), Image, class(Image, Class)).
head_goal(points(Class, Points), Image, points(Image, Class, Points)).
head_goal(ab(Rule), Image, ab(Rule, Image)).
head_goal(derived(P), Image, derived(Image, P)).

element_node(KB, active(P, true, _), Node) =>
    named(KB, P, active, Node).
element_node(KB, active(P, false, _), Node) =>
    negated(KB, P, active, inactive, Node).
element_node(KB, unless(Rule, _), Node) =>
    negated(KB, Rule, exception, unless, Node).
element_node(KB, at_least(M, Elements, _), Node) =>
    maplist(element_node(KB), Elements, Nodes),
    format(atom(Name), '~w ~w', [M, Nodes]),
    (   KB:'$named'(Name, at_least, Node0)
    ->  Node = Node0
    ;   named(KB, Name, at_least, Node),
        assertz(KB:'$node'(Node, at_least(M, Nodes))),
        maplist(literal_goal(Image), Elements, Goals),
        describe(KB, Node, at_least, Image, at_least(M, Goals), [])
    ).

negated(KB, Name, Kind, Negation, Node) :-
    (   KB:'$named'(Name, Negation, Node0)
    ->  Node = Node0
    ;   named(KB, Name, Kind, Inner),
        named(KB, Name, Negation, Node),
        assertz(KB:'$node'(Node, not(Inner))),
        negated_goal(Kind, Name, Image, Goal),
        describe(KB, Node, not, Image, \+ Goal, [])
    ).

negated_goal(active, P, Image, active(Image, P)).
negated_goal(exception, Rule, Image, ab(Rule, Image)).

literal_goal(Image, active(P, true, _), active(Image, P)).
literal_goal(Image, active(P, false, _), \+ active(Image, P)).

%   Heads.

active_node(KB, ByHead, Labels, Layers, P, Feature, Threshold) :-
    clauses_of(ByHead, derived(P), Clauses),
    (   Clauses == []
    ->  true
    ;   named(KB, P, derived, Derived),
        assertz(KB:'$node'(Derived, any(Clauses))),
        describe(KB, Derived, user, Image, derived(Image, P), [])
    ),
    arg(1, Feature, Layer),
    once(nth1(Number, Layers, Layer)),
    (   KB:'$observable'(P, Index)
    ->  Evidence0 = [threshold(Threshold)]
    ;   Index = 0,
        Evidence0 = []
    ),
    (   behind(KB, P, Circuit)          % the first of several
    ->  Evidence = [circuit(Circuit)|Evidence0]
    ;   Evidence = Evidence0
    ),
    (   memberchk(label(P, Label, _, _), Labels)
    ->  Details = [proposition(P), label(Label)|Evidence]
    ;   Details = [proposition(P)|Evidence]
    ),
    named(KB, P, active, Node),
    assertz(KB:'$node'(Node, active(Index, Number, Threshold, Clauses))),
    describe(KB, Node, active, Image1, active(Image1, P), Details).

%   Also for `\+ ab(Rule, Image)` where Rule has no exceptions.

excepted(Rules, Excepted) :-
    findall(Rule,
            (   member(rule(_, ab(Rule), _, _, _), Rules)
            ;   member(rule(_, _, Elements, _, _), Rules),
                member(unless(Rule, _), Elements)
            ),
            All),
    sort(All, Excepted).

exception_node(KB, ByHead, Rule) :-
    clauses_of(ByHead, ab(Rule), Clauses),
    named(KB, Rule, exception, Node),
    assertz(KB:'$node'(Node, any(Clauses))),
    describe(KB, Node, exception, Image, ab(Rule, Image), []).
