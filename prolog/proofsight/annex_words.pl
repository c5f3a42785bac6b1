:- module(proofsight_annex_words,
          [ annex_fact/2,               % ?Room, ?Template
            annex_identity/3,           % +Room, +Fact, -Id
            annex_query/3,              % ?Name, ?Arity, ?Module
            annex_word/2,               % ?Name, ?Arity
            annex_opening/2             % ?Room, ?Template
          ]).

/** <module> What annexes may say, and what may be asked of them

Two tables, from which everything else about annexes follows: what their
files may hold, which words are the vocabulary's, which goals are safe, and
which are callable at the prompt.  Another room of annexes is more lines
here, and a module for its queries.
*/

%!  annex_fact(?Room, ?Template) is nondet.
%
%   Files `Room/*.pl` of a revision may hold facts of the form Template,
%   whose arguments are types:
%
%     - atom, integer, number, ground (any term without variables)
%     - text: an atom or a string
%     - index: a whole number from 0
%     - count: a whole number from 1
%     - fraction: a number above 0 and up to 1
%     - one_of(Values)
%     - list(Type)

annex_fact(circuits, circuit(atom, atom, ground, fraction, atom)).
annex_fact(circuits, circuit_info(atom, atom, ground)).
annex_fact(circuits, kernel(atom, atom, index, atom, index, number, count,
                            one_of([excite, inhibit, neutral]))).
annex_fact(circuits, wire(atom, atom, index, atom, index)).
annex_fact(circuits, const_channel(atom, atom, index)).
annex_fact(interactions, regions(atom, count)).
annex_fact(interactions, region(atom, index, ground, text)).
annex_fact(interactions, interaction_info(atom, atom, ground)).
annex_fact(interactions, bias(atom, atom, atom, integer)).
annex_fact(interactions, interaction(atom, atom, atom, one_of([and, or]), count, integer)).
annex_fact(interactions, shared(atom, atom, one_of([and, or]), count, list(atom),
                                one_of([same_sign, mixed_sign]))).
annex_fact(interactions, residual_bound(atom, atom, atom, index)).
annex_fact(interactions, shared_bound(atom, atom, atom, index)).
annex_fact(interactions, masked_scores(atom, atom, atom, index, list(integer))).

%!  annex_opening(?Room, ?Template) is nondet.
%
%   A file of Room opens with facts of this form; the identity of every other
%   fact is that of one of them.  A revision declares each but once.

annex_opening(circuits, circuit(_, _, _, _, _)).
annex_opening(interactions, regions(_, _)).

%!  annex_identity(+Room, +Fact, -Id) is det.
%
%   Id is what Fact is about: its first argument, but of what a network says
%   of an image it is the image.

annex_identity(interactions, Fact, Id) :-
    of_network(Fact),
    !,
    arg(2, Fact, Id).
annex_identity(_, Fact, Id) :-
    arg(1, Fact, Id).

of_network(bias(_, _, _, _)).
of_network(interaction(_, _, _, _, _, _)).
of_network(residual_bound(_, _, _, _)).
of_network(shared_bound(_, _, _, _)).
of_network(masked_scores(_, _, _, _, _)).

%!  annex_query(?Name, ?Arity, ?Module) is nondet.
%
%   Name/Arity is answered by Module, as Name/(Arity+1) with the KB first.

annex_query(circuit_target, 3, proofsight_circuit_graph).
annex_query(edge, 5, proofsight_circuit_graph).
annex_query(feeds, 3, proofsight_circuits).
annex_query(reaches, 5, proofsight_circuits).
annex_query(ancestors, 4, proofsight_circuits).
annex_query(descendants, 4, proofsight_circuits).
annex_query(strength, 6, proofsight_circuits).
annex_query(strongest_path, 6, proofsight_circuits).
annex_query(avoids, 4, proofsight_circuit_cuts).
annex_query(lost_without, 3, proofsight_circuit_cuts).
annex_query(bottleneck, 2, proofsight_circuit_cuts).
annex_query(shared_kernel, 3, proofsight_circuit_comparison).
annex_query(exclusive_kernel, 3, proofsight_circuit_comparison).
annex_query(kernel_iou, 4, proofsight_circuit_comparison).
annex_query(inhibited, 3, proofsight_circuits).
annex_query(behind, 2, proofsight_circuits).
annex_query(applies, 3, proofsight_interactions).
annex_query(fires, 5, proofsight_interactions).
annex_query(score, 5, proofsight_interactions).
annex_query(masked_score, 5, proofsight_interactions).
annex_query(verified, 3, proofsight_interactions).
annex_query(unverified, 5, proofsight_interactions).
annex_query(decides, 5, proofsight_interactions).
annex_query(shared_decides, 5, proofsight_interactions).
annex_query(score_unit, 1, proofsight_interactions).
annex_query(mask_regions, 2, proofsight_interactions).
annex_query(keeps, 3, proofsight_interactions).
annex_query(entails, 4, proofsight_interaction_queries).
annex_query(sufficient, 4, proofsight_interaction_queries).
annex_query(necessary, 4, proofsight_interaction_queries).
annex_query(missing, 6, proofsight_interaction_queries).
annex_query(flips, 6, proofsight_interaction_queries).
annex_query(disagree, 5, proofsight_interaction_queries).
annex_query(undecided, 4, proofsight_interaction_queries).
annex_query(specific, 6, proofsight_interaction_queries).

%!  annex_word(?Name, ?Arity) is nondet.
%
%   Name/Arity is a fact of annexes or a query about them.

annex_word(Name, Arity) :-
    annex_fact(_, Template),
    functor(Template, Name, Arity).
annex_word(Name, Arity) :-
    annex_query(Name, Arity, _).
