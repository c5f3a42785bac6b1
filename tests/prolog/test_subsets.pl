:- use_module(library(lists), [member/2, numlist/3, subtract/3]).
:- use_module(library(plunit), [begin_tests/1, end_tests/1]).
:- use_module(library(random), [random_between/3, random_subseq/3]).
:- use_module('../../prolog/proofsight/subsets', [subset_index/2, subset_of/3]).

:- begin_tests(subsets).

%   The slow twin, from the definition.

expected(Pairs, Set, Values) :-
    findall(Value, ( member(Subset-Value, Pairs), subtract(Subset, Set, []) ), Values0),
    msort(Values0, Values).

test('what is found are all sets that are part of one, and no others') :-
    set_random(seed(1)),
    numlist(1, 7, Elements),
    forall(between(1, 50, _),
           ( random_between(0, 30, Count),
             findall(Set-N,
                     ( between(1, Count, N), random_subseq(Elements, Set, _) ),
                     Pairs),
             random_subseq([0|Elements], Of, _),
             expected(Pairs, Of, Expected),
             subset_index(Pairs, Index),
             findall(Value, subset_of(Index, Of, Value), Found0),
             msort(Found0, Found),
             assertion(Found == Expected)
           )).
test('the empty set is part of every one', Values == [here]) :-
    subset_index([[]-here, [a]-there], Index),
    findall(Value, subset_of(Index, [], Value), Values).
test('of no sets none is') :-
    subset_index([], Index),
    \+ subset_of(Index, [a], _).

:- end_tests(subsets).
