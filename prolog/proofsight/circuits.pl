:- module(proofsight_circuits,
          [ circuit_target/4,           % +KB, ?Circuit, ?Layer, ?Channel
            edge/6,                     % +KB, ?Circuit, ?Source, ?I, ?Layer, ?Channel
            feeds/4,                    % +KB, ?Circuit, ?Kernel, ?Kernel
            reaches/6,                  % +KB, ?Circuit, ?Source, ?I, ?Layer, ?Channel
            ancestors/5,                % +KB, ?Circuit, +Layer, +Channel, -Channels
            descendants/5,              % +KB, ?Circuit, +Source, +I, -Channels
            strength/7,                 % +KB, ?Circuit, ?Source, ?I, +Layer, +Channel, -Strength
            strongest_path/7,           % +KB, ?Circuit, ?Source, ?I, +Layer, +Channel, -Path
            avoids/5,                   % +KB, ?Circuit, +Layer, +Channel, +Without
            lost_without/4,             % +KB, ?Circuit, +Without, -Kernel
            bottleneck/3,               % +KB, ?Circuit, ?LayerChannel
            shared_kernel/4,            % +KB, ?Circuit, ?Other, ?Kernel
            exclusive_kernel/4,         % +KB, ?Circuit, ?Other, ?Kernel
            kernel_iou/5,               % +KB, ?Circuit, ?Other, ?Layer, -IoU
            inhibited/4,                % +KB, ?Circuit, ?Layer, ?Channel
            behind/3                    % +KB, ?Proposition, ?Circuit
          ]).
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(library(assoc),
              [assoc_to_keys/2, empty_assoc/1, get_assoc/3, put_assoc/4]).
:- use_module(library(error), [must_be/2]).
:- use_module(library(heaps),
              [add_to_heap/4, get_from_heap/4, list_to_heap/2]).
:- use_module(library(lists), [member/2]).

/** <module> What circuits are asked

A circuit is a graph whose nodes are channels, Layer-Channel, and whose
edges are kernels and wires, all of which lead from the image to its target;
it has no cycles.  Searches keep their own account of where they have been:
tables would outlive the request.

In all of these, KB is the module of a revision, and a kernel is a term
kernel(Layer, Channel, Source, I).
*/

%!  circuit_target(+KB, ?Circuit, ?Layer, ?Channel) is nondet.
%
%   Layer-Channel is what Circuit is the circuit of: the channel or, of any
%   other target, `target`-0, to which wires lead.

circuit_target(KB, Circuit, Layer, Channel) :-
    KB:circuit(Circuit, _, Target, _, _),
    (   Target = unit(Layer0, Channel0)
    ->  Layer = Layer0,
        Channel = Channel0
    ;   Layer = target,
        Channel = 0
    ).

%!  edge(+KB, ?Circuit, ?Source, ?I, ?Layer, ?Channel) is nondet.
%
%   Channel of Layer is made from channel I of Source, by a kernel or by
%   being passed on unchanged.

edge(KB, C, S, I, L, O) :- KB:kernel(C, L, O, S, I, _, _, _).
edge(KB, C, S, I, L, O) :- KB:wire(C, L, O, S, I).

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

known(KB, C) :-
    KB:circuit(C, _, _, _, _).

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

%   reached(+Way, +KB, +C, +Node, +Without, -Found): the nodes from which a
%   path leads to Node (Way is below), or to which one leads (above), none of
%   them Without.

reached(Way, KB, C, Node, Without, Found) :-
    empty_assoc(None),
    reached_all([Node], Way, KB, C, Without, None, Found).

reached_all([], _, _, _, _, Found0, Found) =>
    Found = Found0.
reached_all([Node|Nodes], Way, KB, C, Without, Found0, Found) =>
    findall(Next, ( next(Way, KB, C, Node, Next), Next \== Without ), All),
    unseen(All, Found0, Found1, Nodes, Nodes1),
    reached_all(Nodes1, Way, KB, C, Without, Found1, Found).

next(below, KB, C, L-O, S-I) :-
    edge(KB, C, S, I, L, O).
next(above, KB, C, S-I, L-O) :-
    edge(KB, C, S, I, L, O).

unseen([], Found0, Found, Nodes0, Nodes) =>
    Found = Found0,
    Nodes = Nodes0.
unseen([Node|More], Found0, Found, Nodes0, Nodes) =>
    (   get_assoc(Node, Found0, _)
    ->  unseen(More, Found0, Found, Nodes0, Nodes)
    ;   put_assoc(Node, Found0, true, Found1),
        unseen(More, Found1, Found, [Node|Nodes0], Nodes)
    ).

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

%!  avoids(+KB, ?Circuit, +Layer, +Channel, +Without) is nondet.
%
%   A path leads from the image to Layer-Channel and not through the channel
%   Without.

avoids(KB, C, L, O, Without) :-
    must_be(ground, [L, O, Without]),
    known(KB, C),
    reached(below, KB, C, L-O, Without, Found),
    assoc_to_keys(Found, Nodes),
    memberchk(image-_, Nodes).

%!  lost_without(+KB, ?Circuit, +Without, -Kernel) is nondet.
%
%   Kernel is on a path from the image to the target, but on none once the
%   channel Without is gone.

lost_without(KB, C, Without, kernel(L, O, S, I)) :-
    must_be(ground, Without),
    circuit_target(KB, C, T, U),
    on_paths(KB, C, T-U, none, Before),
    on_paths(KB, C, T-U, Without, After),
    KB:kernel(C, L, O, S, I, _, _, _),
    joins(S-I, L-O, Before),
    \+ joins(S-I, L-O, After).

%   joins(+Source, +Channel, +Paths): an edge between them is on a path.

joins(Source, Channel, paths(Forward, Backward)) :-
    get_assoc(Source, Forward, _),
    get_assoc(Channel, Backward, _).

%   on_paths(+KB, +C, +Target, +Without, -Paths): what the image reaches, the
%   image included, and what reaches Target, Target included.

on_paths(KB, C, Target, Without, paths(Forward, Backward)) :-
    empty_assoc(None),
    findall(image-I,
            ( edge(KB, C, image, I, _, _), image-I \== Without ),
            Inputs),
    unseen(Inputs, None, Forward0, [], Nodes),
    reached_all(Nodes, above, KB, C, Without, Forward0, Forward),
    unseen([Target], None, Backward0, [], [Start]),
    (   Target == Without
    ->  Backward = None
    ;   reached_all([Start], below, KB, C, Without, Backward0, Backward)
    ).

%!  bottleneck(+KB, ?Circuit, ?LayerChannel) is nondet.
%
%   Every path from the image to the target goes through LayerChannel, a term
%   Layer-Channel other than the target.  None where no path is left.

%   There are as many paths through a channel as lead to it times as lead on
%   from it; whole numbers are exact here, whatever their size.

bottleneck(KB, C, Node) :-
    circuit_target(KB, C, T, U),
    on_paths(KB, C, T-U, none, paths(Forward, Backward)),
    empty_assoc(None),
    paths_to(T-U, KB, C, Forward, All, None, To),
    All > 0,
    assoc_to_keys(Forward, Nodes),
    findall(Source-Paths,
            ( member(Source, Nodes),
              Source \== T-U,
              get_assoc(Source, Backward, _),
              (   Source = image-_
              ->  Paths = 1
              ;   get_assoc(Source, To, Paths)
              )
            ),
            Candidates),
    counted(Candidates, KB, C, T-U, Backward, All, None, Bottlenecks),
    member(Node, Bottlenecks).

counted([], _, _, _, _, _, _, Bottlenecks) =>
    Bottlenecks = [].
counted([Node-To|Candidates], KB, C, Target, Backward, All, Known0, Bottlenecks) =>
    paths_from(Node, KB, C, Target, Backward, From, Known0, Known),
    (   To * From =:= All
    ->  Bottlenecks = [Node|Bottlenecks1]
    ;   Bottlenecks = Bottlenecks1
    ),
    counted(Candidates, KB, C, Target, Backward, All, Known, Bottlenecks1).

%   paths_to(+Node, +KB, +C, +Live, -Paths, +Known0, -Known): how many lead
%   from the image to Node; Known remembers.

paths_to(image-_, _, _, _, Paths, Known0, Known) =>
    Paths = 1,
    Known = Known0.
paths_to(Node, _, _, _, Paths, Known0, Known), get_assoc(Node, Known0, Paths0) =>
    Paths = Paths0,
    Known = Known0.
paths_to(L-O, KB, C, Live, Paths, Known0, Known) =>
    findall(S-I, ( edge(KB, C, S, I, L, O), get_assoc(S-I, Live, _) ), Sources),
    paths_to_all(Sources, KB, C, Live, 0, Paths, Known0, Known1),
    put_assoc(L-O, Known1, Paths, Known).

paths_to_all([], _, _, _, Sum0, Sum, Known0, Known) =>
    Sum = Sum0,
    Known = Known0.
paths_to_all([Node|Nodes], KB, C, Live, Sum0, Sum, Known0, Known) =>
    paths_to(Node, KB, C, Live, Paths, Known0, Known1),
    Sum1 is Sum0 + Paths,
    paths_to_all(Nodes, KB, C, Live, Sum1, Sum, Known1, Known).

paths_from(Target, _, _, Target, _, Paths, Known0, Known) =>
    Paths = 1,
    Known = Known0.
paths_from(Node, _, _, _, _, Paths, Known0, Known), get_assoc(Node, Known0, Paths0) =>
    Paths = Paths0,
    Known = Known0.
paths_from(S-I, KB, C, Target, Live, Paths, Known0, Known) =>
    findall(L-O, ( edge(KB, C, S, I, L, O), get_assoc(L-O, Live, _) ), Readers),
    paths_from_all(Readers, KB, C, Target, Live, 0, Paths, Known0, Known1),
    put_assoc(S-I, Known1, Paths, Known).

paths_from_all([], _, _, _, _, Sum0, Sum, Known0, Known) =>
    Sum = Sum0,
    Known = Known0.
paths_from_all([Node|Nodes], KB, C, Target, Live, Sum0, Sum, Known0, Known) =>
    paths_from(Node, KB, C, Target, Live, Paths, Known0, Known1),
    Sum1 is Sum0 + Paths,
    paths_from_all(Nodes, KB, C, Target, Live, Sum1, Sum, Known1, Known).

%!  shared_kernel(+KB, ?Circuit, ?Other, ?Kernel) is nondet.
%
%   Two circuits, of which neither is the other, both have Kernel.

shared_kernel(KB, C, D, kernel(L, O, S, I)) :-
    two(KB, C, D),
    KB:kernel(C, L, O, S, I, _, _, _),
    has_kernel(KB, D, L, O, S, I).

%!  exclusive_kernel(+KB, ?Circuit, ?Other, ?Kernel) is nondet.
%
%   Circuit has Kernel, and Other has not.

exclusive_kernel(KB, C, D, kernel(L, O, S, I)) :-
    two(KB, C, D),
    KB:kernel(C, L, O, S, I, _, _, _),
    \+ has_kernel(KB, D, L, O, S, I).

two(KB, C, D) :-
    known(KB, C),
    known(KB, D),
    C \== D.

has_kernel(KB, C, L, O, S, I) :-
    KB:kernel(C, L, O, S, I, _, _, _),
    !.

%!  kernel_iou(+KB, ?Circuit, ?Other, ?Layer, -IoU) is nondet.
%
%   IoU is how many kernels into Layer two circuits share, of those that
%   either has; for layers where one has some.

kernel_iou(KB, C, D, L, IoU) :-
    two(KB, C, D),
    findall(L0,
            (   KB:kernel(C, L0, _, _, _, _, _, _)
            ;   KB:kernel(D, L0, _, _, _, _, _, _)
            ),
            All),
    sort(All, Layers),
    member(L, Layers),
    aggregate_all(count, KB:kernel(C, L, _, _, _, _, _, _), Own),
    aggregate_all(count, KB:kernel(D, L, _, _, _, _, _, _), Others),
    aggregate_all(count,
                  ( KB:kernel(C, L, O, S, I, _, _, _),
                    has_kernel(KB, D, L, O, S, I)
                  ),
                  Shared),
    IoU is Shared / float(Own + Others - Shared).

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
