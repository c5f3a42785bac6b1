:- module(proofsight_circuit_graph,
          [ circuit_target/4,           % +KB, ?Circuit, ?Layer, ?Channel
            edge/6,                     % +KB, ?Circuit, ?Source, ?I, ?Layer, ?Channel
            known/2,                    % +KB, ?Circuit
            reached/6,                  % +Way, +KB, +Circuit, +Node, +Without, -Found
            reached_all/7,              % +Nodes, +Way, +KB, +Circuit, +Without, +Found0, -Found
            unseen/5                    % +All, +Found0, -Found, +Nodes0, -Nodes
          ]).
:- use_module(library(assoc), [empty_assoc/1, get_assoc/3, put_assoc/4]).

/** <module> Circuits as graphs

A circuit is a graph whose nodes are channels, Layer-Channel, and whose
edges are kernels and wires, all of which lead from the image to its target;
it has no cycles.  Searches keep their own account of where they have been:
tables would outlive the request.

In all of these, and in what is asked of circuits, KB is the module of a
revision, and a kernel is a term kernel(Layer, Channel, Source, I).
*/

:- det(reached/6).
:- det(reached_all/7).
:- det(unseen/5).

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

%!  known(+KB, ?Circuit) is nondet.
%
%   There is such a circuit.

known(KB, C) :-
    KB:circuit(C, _, _, _, _).

%!  reached(+Way, +KB, +Circuit, +Node, +Without, -Found) is det.
%
%   Found are the nodes from which a path leads to Node (Way is `below`), or
%   to which one leads (`above`), none of them Without: an assoc with the
%   nodes as keys.

reached(Way, KB, C, Node, Without, Found) :-
    empty_assoc(None),
    reached_all([Node], Way, KB, C, Without, None, Found).

%!  reached_all(+Nodes, +Way, +KB, +Circuit, +Without, +Found0, -Found) is det.
%
%   Found are Found0 and what leads to some of Nodes, or is led to.

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

%!  unseen(+All, +Found0, -Found, +Nodes0, -Nodes) is det.
%
%   Found are Found0 and All; Nodes begins with those of All that are not
%   among Found0, and goes on with Nodes0.

unseen([], Found0, Found, Nodes0, Nodes) =>
    Found = Found0,
    Nodes = Nodes0.
unseen([Node|More], Found0, Found, Nodes0, Nodes) =>
    (   get_assoc(Node, Found0, _)
    ->  unseen(More, Found0, Found, Nodes0, Nodes)
    ;   put_assoc(Node, Found0, true, Found1),
        unseen(More, Found1, Found, [Node|Nodes0], Nodes)
    ).
