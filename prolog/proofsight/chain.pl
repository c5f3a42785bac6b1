:- module(proofsight_chain,
          [ out_of_order/4,             % +Program, -File, -Offset, -Slots
            in_order/3                  % +Program, +Edges, -InOrder
          ]).
:- use_module(library(apply), [exclude/3]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [append/3, member/2, nth1/3]).
:- use_module(dependency, [dependencies/2]).
:- use_module(messages, [text/3]).
:- use_module(program, [part/3]).

:- det(in_order/3).

/** <module> The order of the layers in a chain

Layers are declared from the input up.  The rules for a proposition, and
the exceptions of these, stand for what the network computes from the
layers below it, and read those alone: entered at any layer, values then
decide all that rules above it lean on.  A proposition that is never
observed, such as the negation of another, may read its own layer too.
*/

%!  out_of_order(+Program, -File, -Offset, -Slots) is nondet.
%
%   At Offset of File a rule for a proposition reads another, which does not
%   stand below it.

out_of_order(Program, 'rules.pl', Offset, Slots) :-
    dependencies(Program, Edges),
    ranked_layers(Program, Ranks),
    placed_propositions(Program, Ranks, Placed),
    misplaced(Edges, Placed, Wrong),
    member(wrong(Offset, P, Q), Wrong),
    get_assoc(P, Placed, at(Rank, Layer, _)),
    get_assoc(Q, Placed, at(_, Other, _)),
    findall(Below, ( member(Lower-Below, Ranks), Lower < Rank ), Lowers),
    remedy(Lowers, Layer, Remedy),
    Slots = [name=P, layer=Layer, read=Q, other=Other, remedy=Remedy].

%!  in_order(+Program, +Edges, -InOrder) is det.
%
%   InOrder are the Edges, of dependencies/2, at which nothing is out of order.

in_order(Program, Edges, InOrder) :-
    ranked_layers(Program, Ranks),
    placed_propositions(Program, Ranks, Placed),
    misplaced(Edges, Placed, Wrong),
    (   Wrong == []
    ->  InOrder = Edges
    ;   findall(Offset-true, member(wrong(Offset, _, _), Wrong), Pairs),
        sort(1, @<, Pairs, Unique),
        list_to_assoc(Unique, Offsets),
        exclude(at_one_of(Offsets), Edges, InOrder)
    ).

at_one_of(Offsets, edge(_, _, _, Offset)) :-
    get_assoc(Offset, Offsets, _).

misplaced(Edges, Placed, Wrong) :-
    findall(wrong(Offset, P, Q),
            ( reads(Edges, P, Q, Offset),
              P \== Q,
              get_assoc(P, Placed, at(_, _, Highest)),
              get_assoc(Q, Placed, at(Rank, _, _)),
              Rank > Highest
            ),
            Wrong0),
    sort(1, @<, Wrong0, Wrong).

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
