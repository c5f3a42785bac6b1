:- module(proofsight_subsets,
          [ subset_index/2,             % +Pairs, -Index
            subset_of/3                 % +Index, +Set, -Value
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [clumped/2, member/2]).
:- use_module(library(pairs), [group_pairs_by_key/2]).

:- det(subset_index/2).

/** <module> Which of many sets are subsets of one

A trie over the sets, the rarest element of each first: thousands of sets
leave few branches to follow for any one.
*/

%!  subset_index(+Pairs, -Index) is det.
%
%   Index serves subset_of/3.  Pairs are Set-Value, a Set any list of ground
%   elements.

subset_index(Pairs, index(Ranks, Trie)) :-
    findall(Element, ( member(Set-_, Pairs), member(Element, Set) ), Elements0),
    msort(Elements0, Elements),
    clumped(Elements, Counts),
    maplist(rank, Counts, ByElement),
    list_to_assoc(ByElement, Ranks),
    maplist(ranked_pair(Ranks), Pairs, Ranked),
    keysort(Ranked, Sorted),
    trie(Sorted, Trie).

%   Ranks: element -> Count-Element, which sorts the rarest first.

rank(Element-Count, Element-(Count-Element)).

ranked_pair(Ranks, Set-Value, Ranked-Value) :-
    ranked(Set, Ranks, Ranked).

ranked(Set, Ranks, Ranked) :-
    findall(Rank, ( member(Element, Set), get_assoc(Element, Ranks, Rank) ), Ranked0),
    sort(Ranked0, Ranked).

%   trie(Here, Children): the values of the set that ends here, and by the
%   next element of the others an assoc of tries.

trie(Pairs, trie(Here, Children)) :-
    ended(Pairs, Here, Longer),
    group_pairs_by_key(Longer, Groups),
    maplist(child, Groups, Tries),
    list_to_assoc(Tries, Children).

child(Rank-Pairs, Rank-Trie) :-
    trie(Pairs, Trie).

ended([], Here, Longer) =>
    Here = [],
    Longer = [].
ended([[]-Value|Pairs], Here, Longer) =>
    Here = [Value|Here1],
    ended(Pairs, Here1, Longer).
ended([[Rank|Ranks]-Value|Pairs], Here, Longer) =>
    Longer = [Rank-(Ranks-Value)|Longer1],
    ended(Pairs, Here, Longer1).

%!  subset_of(+Index, +Set, -Value) is nondet.
%
%   Value is that of a pair of which all elements are in Set.

subset_of(index(Ranks, Trie), Set, Value) :-
    ranked(Set, Ranks, Ranked),
    below(Trie, Ranked, Value).

below(trie(Here, _), _, Value) :-
    member(Value, Here).
below(trie(_, Children), Ranked, Value) :-
    Children \== t,
    branch(Ranked, Children, Value).

branch([Rank|Ranked], Children, Value) :-
    (   get_assoc(Rank, Children, Trie),
        below(Trie, Ranked, Value)
    ;   branch(Ranked, Children, Value)
    ).
