:- module(proofsight_circuit_cuts,
          [ avoids/5,                   % +KB, ?Circuit, +Layer, +Channel, +Without
            lost_without/4,             % +KB, ?Circuit, +Without, -Kernel
            bottleneck/3                % +KB, ?Circuit, ?LayerChannel
          ]).
:- use_module(library(assoc),
              [assoc_to_keys/2, empty_assoc/1, get_assoc/3, put_assoc/4]).
:- use_module(library(error), [must_be/2]).
:- use_module(library(lists), [member/2]).
:- use_module(circuit_graph,
              [ circuit_target/4, edge/6, known/2, reached/6, reached_all/7,
                unseen/5
              ]).

/** <module> What circuits lose without a channel
*/

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
