:- module(proofsight_circuits,
          [ feeds/4,                    % +KB, ?Circuit, ?Kernel, ?Kernel
            reaches/6,                  % +KB, ?Circuit, ?Source, ?I, ?Layer, ?Channel
            ancestors/5,                % +KB, ?Circuit, +Layer, +Channel, -Channels
            descendants/5,              % +KB, ?Circuit, +Source, +I, -Channels
            strength/7,                 % +KB, ?Circuit, ?Source, ?I, +Layer, +Channel, -Strength
            strongest_path/7,           % +KB, ?Circuit, ?Source, ?I, +Layer, +Channel, -Path
            inhibited/4,                % +KB, ?Circuit, ?Layer, ?Channel
            behind/3                    % +KB, ?Proposition, ?Circuit
          ]).
:- use_module(library(assoc),
              [assoc_to_keys/2, empty_assoc/1, get_assoc/3, put_assoc/4]).
:- use_module(library(error), [must_be/2]).
:- use_module(library(heaps),
              [add_to_heap/4, get_from_heap/4, list_to_heap/2]).
:- use_module(library(lists), [member/2]).
:- use_module(circuit_graph, [edge/6, known/2, reached/6]).

/** <module> What circuits are asked: what feeds a channel, and by which paths
*/

%!  feeds(+KB, ?Circuit, ?Kernel, ?Next) is nondet.
%
%   Next reads the channel that Kernel writes, as it is or passed on by
%   wires.

feeds(KB, C, kernel(M, J, S, I), kernel(L, K, N, H)) :-
    KB:kernel(C, L, K, N, H, _, _, _),
    carries(KB, C, N, H, M, J),
    KB:kernel(C, M, J, S, I, _, _, _).

carries(_, _, L, O, L, O).
carries(KB, C, L, O, M, J) :-
    KB:wire(C, L, O, S, I),
    carries(KB, C, S, I, M, J).

%!  reaches(+KB, ?Circuit, ?Source, ?I, ?Layer, ?Channel) is nondet.
%
%   A path leads from Source-I to Layer-Channel.  Each pair once.

reaches(KB, C, S, I, L, O) :-
    known(KB, C),
    (   ground(L-O)
    ->  reached(below, KB, C, L-O, none, Found),
        in(S-I, Found)
    ;   ground(S-I)
    ->  reached(above, KB, C, S-I, none, Found),
        in(L-O, Found)
    ;   channels(KB, C, All),
        member(L-O, All),
        reached(below, KB, C, L-O, none, Found),
        in(S-I, Found)
    ).

in(Node, Found) :-
    (   ground(Node)
    ->  get_assoc(Node, Found, _)
    ;   assoc_to_keys(Found, Nodes),
        member(Node, Nodes)
    ).

channels(KB, C, Channels) :-
    findall(L-O, edge(KB, C, _, _, L, O), All),
    sort(All, Channels).

%!  ancestors(+KB, ?Circuit, +Layer, +Channel, -Channels) is nondet.
%
%   Channels are all Source-I that Layer-Channel is made from, however far
%   below, sorted.

ancestors(KB, C, L, O, Channels) :-
    must_be(ground, L-O),
    known(KB, C),
    reached(below, KB, C, L-O, none, Found),
    assoc_to_keys(Found, Channels).

%!  descendants(+KB, ?Circuit, +Source, +I, -Channels) is nondet.
%
%   Channels are all that something of Source-I reaches, sorted.

descendants(KB, C, S, I, Channels) :-
    must_be(ground, S-I),
    known(KB, C),
    reached(above, KB, C, S-I, none, Found),
    assoc_to_keys(Found, Channels).

%!  strength(+KB, ?Circuit, ?Source, ?I, +Layer, +Channel, -Strength) is nondet.
%
%   Strength is the greatest, over the paths from Source-I to Layer-Channel,
%   of the least score of their kernels; inf where there are but wires.

strength(KB, C, S, I, L, O, Strength) :-
    must_be(ground, L-O),
    known(KB, C),
    widest(KB, C, L-O, Found),
    in(S-I, Found),
    get_assoc(S-I, Found, Strength-_).

%!  strongest_path(+KB, ?Circuit, ?Source, ?I, +Layer, +Channel, -Path) is nondet.
%
%   Path is a strongest one, the list of its channels from Source-I to
%   Layer-Channel.

strongest_path(KB, C, S, I, L, O, Path) :-
    must_be(ground, L-O),
    known(KB, C),
    widest(KB, C, L-O, Found),
    in(S-I, Found),
    onward(S-I, L-O, Found, Path).

onward(Target, Target, _, Path) =>
    Path = [Target].
onward(Node, Target, Found, Path) =>
    Path = [Node|Path1],
    get_assoc(Node, Found, _-Next),
    onward(Next, Target, Found, Path1).

%   widest(+KB, +C, +Target, -Found): Dijkstra's search, strongest first.
%   Found has Strength-Next for each ancestor of Target.

widest(KB, C, Target, Found) :-
    empty_assoc(None),
    list_to_heap([], Heap0),
    extend(KB, C, Target, inf, None, Heap0, Heap),
    widest_from(Heap, KB, C, None, Found).

widest_from(Heap0, KB, C, Found0, Found) :-
    (   get_from_heap(Heap0, Negative, Node-Next, Heap1)
    ->  (   get_assoc(Node, Found0, _)
        ->  widest_from(Heap1, KB, C, Found0, Found)
        ;   positive(Negative, Strength),
            put_assoc(Node, Found0, Strength-Next, Found1),
            extend(KB, C, Node, Strength, Found1, Heap1, Heap),
            widest_from(Heap, KB, C, Found1, Found)
        )
    ;   Found = Found0
    ).

extend(KB, C, L-O, Strength, Found, Heap0, Heap) :-
    findall(Negative-(S-I),
            ( weighted(KB, C, S, I, L, O, W),
              \+ get_assoc(S-I, Found, _),
              weaker(Strength, W, Least),
              positive(Negative, Least)
            ),
            Pairs),
    add_all(Pairs, L-O, Heap0, Heap).

add_all([], _, Heap0, Heap) =>
    Heap = Heap0.
add_all([Negative-Node|Pairs], Next, Heap0, Heap) =>
    add_to_heap(Heap0, Negative, Node-Next, Heap1),
    add_all(Pairs, Next, Heap1, Heap).

weighted(KB, C, S, I, L, O, Score) :- KB:kernel(C, L, O, S, I, Score, _, _).
weighted(KB, C, S, I, L, O, inf) :- KB:wire(C, L, O, S, I).

weaker(inf, B, Least) => Least = B.
weaker(A, inf, Least) => Least = A.
weaker(A, B, Least) => Least is min(A, B).

%   Heaps give the least first, in the standard order of terms, where numbers
%   come before atoms; `-inf` would be a number of its own.

positive(Negative, Strength), nonvar(Strength) =>
    (   Strength == inf
    ->  Negative is -inf
    ;   Negative is -Strength
    ).
positive(Negative, Strength) =>
    (   Negative =:= -inf
    ->  Strength = inf
    ;   Strength is -Negative
    ).

%!  inhibited(+KB, ?Circuit, ?Layer, ?Channel) is nondet.
%
%   All kernels into Layer-Channel, of which there are some, inhibit.

inhibited(KB, C, L, O) :-
    known(KB, C),
    findall(L-O, KB:kernel(C, L, O, _, _, _, _, inhibit), Some),
    sort(Some, Nodes),
    member(L-O, Nodes),
    \+ ( KB:kernel(C, L, O, _, _, _, _, Sign), Sign \== inhibit ).

%!  behind(+KB, ?Proposition, ?Circuit) is nondet.
%
%   Circuit is one of the channel that Proposition reads.

behind(KB, Proposition, Circuit) :-
    KB:proposition(Proposition, Feature, _),
    feature_channel(Feature, L, I),
    KB:circuit(Circuit, _, unit(L, I), _, _).

feature_channel(channel(L, I, _), L, I).
feature_channel(cell(L, I, _, _, _), L, I).
