:- module(proofsight_chain,
          [ out_of_order/4              % +Program, -File, -Offset, -Slots
          ]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [append/3, member/2, nth1/3]).
:- use_module(library(ugraphs),
              [reachable/3, top_sort/2, vertices_edges_to_ugraph/3]).
:- use_module(messages, [text/3]).
:- use_module(program, [part/3]).
:- use_module(strata, [depends/2]).

/** <module> The order of the layers in a chain

Layers are declared from the input up.  The rules for a proposition, and
the exceptions of these, stand for what the network computes from the
layers below it, and read those alone: entered at any layer, values then
decide all that rules above it lean on.  A proposition that is never
observed, such as the negation of another, may read its own layer too.
*/

%!  out_of_order(+Program, -File, -Offset, -Slots) is nondet.
%
%   At Offset of File a rule for a proposition reads one that does not stand
%   below it.  A way round, which cyclic/5 tells, is left out.

out_of_order(Program, 'rules.pl', Offset, Slots) :-
    findall(Edge, depends(Program, Edge), Edges),
    ranked_layers(Program, Ranks),
    placed_propositions(Program, Ranks, Placed),
    findall(wrong(Offset0, P, Q),
            ( reads(Edges, P, Q, Offset0),
              get_assoc(P, Placed, at(_, _, Highest)),
              get_assoc(Q, Placed, at(OtherRank, _, _)),
              OtherRank > Highest
            ),
            Wrong0),
    sort(Wrong0, Wrong),
    Wrong \== [],
    arcs(Edges, Graph),
    member(wrong(Offset, P, Q), Wrong),
    \+ way_round(Graph, P, Q),
    get_assoc(P, Placed, at(Rank, Layer, _)),
    get_assoc(Q, Placed, at(_, Other, _)),
    findall(Below, ( member(Lower-Below, Ranks), Lower < Rank ), Lowers),
    remedy(Lowers, Layer, Remedy),
    Slots = [name=P, layer=Layer, read=Q, other=Other, remedy=Remedy].

remedy([], Layer, Remedy) =>
    text('issue.lowest_layer', [layer=Layer], Remedy).
remedy(Lowers, _, Remedy) =>
    Remedy = offer('issue.lower_layers', Lowers).

ranked_layers(Program, Ranks) :-
    part(layer, Program, Items),
    findall(Rank-Layer, nth1(Rank, Items, layer(Layer, _, _, _, _)), Ranks).

%   Placed has of each proposition at(Rank, Layer, Highest): its layer, and the
%   rank of the highest one that rules for it may read.

placed_propositions(Program, Ranks, Placed) :-
    findall(Layer-Rank, member(Rank-Layer, Ranks), Layers0),
    sort(1, @<, Layers0, Layers),
    list_to_assoc(Layers, ByLayer),
    part(proposition, Program, Items),
    findall(P-at(Rank, Layer, Highest),
            ( member(proposition(P, Feature, _, _), Items),
              arg(1, Feature, Layer),
              get_assoc(Layer, ByLayer, Rank),
              highest(Feature, Rank, Highest)
            ),
            Pairs0),
    sort(1, @<, Pairs0, Pairs),
    list_to_assoc(Pairs, Placed).

highest(derived(_), Rank, Highest) =>
    Highest = Rank.
highest(_, Rank, Highest) =>
    Highest is Rank - 1.

%   reads(+Edges, -P, -Q, -Offset): a rule that derives P, or an exception
%   behind it, reads Q there.

reads(Edges, P, Q, Offset) :-
    member(edge(derived(P), derived(Q), _, Offset), Edges).
reads(Edges, P, Q, Offset) :-
    findall(Rule-P0, member(edge(derived(P0), ab(Rule), _, _), Edges), Owned0),
    Owned0 \== [],
    sort(Owned0, Owned1),
    owned(Owned1, Owned1, Edges, Owned),
    member(Rule-P, Owned),
    member(edge(ab(Rule), derived(Q), _, Offset), Edges).

%   owned(+New, +Known, +Edges, -Owned): Rule-P, an exception of Rule bears on
%   P, also as one of an exception.

owned([], Known, _, Owned) =>
    Owned = Known.
owned(New, Known, Edges, Owned) =>
    findall(Rule-P,
            ( member(Other-P, New),
              member(edge(ab(Other), ab(Rule), _, _), Edges),
              \+ memberchk(Rule-P, Known)
            ),
            More0),
    sort(More0, More),
    append(Known, More, Known1),
    owned(More, Known1, Edges, Owned).

arcs(Edges, Graph) :-
    findall(From-To, member(edge(From, To, _, _), Edges), Arcs),
    vertices_edges_to_ugraph([], Arcs, Whole),
    (   top_sort(Whole, _)
    ->  Graph = acyclic
    ;   Graph = Whole
    ).

way_round(Graph, P, Q) :-
    Graph \== acyclic,
    reachable(derived(Q), Graph, Reached),
    memberchk(derived(P), Reached).
