:- module(proofsight_overlap,
          [ bodies/2,                   % +Program, -Bodies
            contradictory/2,            % +Body, -Why
            compatible/4,               % +Program, +Bodies, -Body, -Other
            shadow_index/2,             % +Grouped, -Index
            shadowed/4                  % +Index, +Group, +Narrower, -Wider
          ]).
:- use_module(library(apply), [maplist/2, maplist/3, partition/4]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [append/3, max_list/2, member/2, nth0/3]).
:- use_module(library(ordsets), [ord_memberchk/2, ord_subtract/3]).
:- use_module(library(pairs), [group_pairs_by_key/2]).
:- use_module(program, [part/3]).
:- use_module(subsets, [subset_index/2, subset_of/3]).

/** <module> Bodies that say too much

A body is a set of conditions: on(P), off(P), unless(Rule) and
count(M, Conditions).  Where two propositions put thresholds to one
observed feature, being above the higher says being above the lower;
`Entailed` is all that a body says in that way.
*/

%!  bodies(+Program, -Bodies) is det.
%
%   Bodies are body(N, Id, Head, Conditions, Entailed), one per rule; N
%   counts the rules of the file.

:- det(bodies/2).

bodies(Program, Bodies) :-
    part(rule, Program, Rules),
    excepted(Rules, Excepted),
    weaker(Program, Weaker),
    bodies(Rules, 1, Excepted, Weaker, Bodies).

bodies([], _, _, _, Bodies) =>
    Bodies = [].
bodies([rule(Id, Head, Elements, _, _)|Rules], N, Excepted, Weaker, Bodies) =>
    findall(Condition,
            ( member(Element, Elements),
              condition(Element, Excepted, Condition)
            ),
            Conditions0),
    sort(Conditions0, Conditions),
    findall(Entailed0,
            ( member(Condition, Conditions),
              entails(Condition, Weaker, Entailed0)
            ),
            Entailed1),
    sort(Entailed1, Entailed),
    Bodies = [body(N, Id, Head, Conditions, Entailed)|Bodies1],
    N1 is N + 1,
    bodies(Rules, N1, Excepted, Weaker, Bodies1).

%   `unless` of a rule without exceptions says nothing, and at_least(N, L)
%   of N literals says all of them.

condition(active(P, true, _), _, on(P)).
condition(active(P, false, _), _, off(P)).
condition(unless(Rule, _), Excepted, unless(Rule)) :-
    ord_memberchk(Rule, Excepted).
condition(at_least(M, Elements, _), Excepted, Condition) :-
    (   length(Elements, M)
    ->  member(Element, Elements),
        condition(Element, Excepted, Condition)
    ;   findall(Literal,
                ( member(Element, Elements),
                  condition(Element, Excepted, Literal)
                ),
                Literals0),
        msort(Literals0, Literals),
        Condition = count(M, Literals)
    ).

excepted(Rules, Excepted) :-
    findall(Rule, member(rule(_, ab(Rule), _, _, _), Rules), All),
    sort(All, Excepted).

derived(Program, Derived) :-
    part(rule, Program, Rules),
    findall(P, member(rule(_, derived(P), _, _, _), Rules), All),
    sort(All, Derived).

%   Weaker: literal -> the literals it entails by thresholds of one feature.

weaker(Program, Weaker) :-
    part(proposition, Program, Propositions),
    derived(Program, Derived),
    findall(Feature-(Threshold-P),
            ( member(proposition(P, Feature, Threshold, _), Propositions),
              number(Threshold),
              \+ ord_memberchk(P, Derived)
            ),
            Pairs0),
    keysort(Pairs0, Pairs),
    group_pairs_by_key(Pairs, Groups),
    findall(Literal-Others,
            ( member(_-Group, Groups),
              Group = [_, _|_],
              member(T-P, Group),
              entailed_literals(T, P, Group, Literal, Others)
            ),
            Entailments0),
    sort(1, @<, Entailments0, Entailments),
    list_to_assoc(Entailments, Weaker).

entailed_literals(T, P, Group, on(P), Others) :-
    findall(on(Q), ( member(U-Q, Group), Q \== P, U =< T ), Others).
entailed_literals(T, P, Group, off(P), Others) :-
    findall(off(Q), ( member(U-Q, Group), Q \== P, U >= T ), Others).

entails(Condition, _, Condition).
entails(Condition, Weaker, Entailed) :-
    get_assoc(Condition, Weaker, Others),
    member(Entailed, Others).

%!  contradictory(+Body, -Why) is semidet.
%
%   Body can never hold; Why is the proposition or the count to blame.

contradictory(body(_, _, _, Conditions, Entailed), Why) :-
    (   member(off(P), Conditions),
        ord_memberchk(on(P), Entailed)
    ->  Why = P
    ;   member(count(M, Literals), Conditions),
        most(Literals, Entailed, Most),
        Most < M
    ->  Why = at_least(M)
    ).

%   How many of Literals can hold together with Entailed.

most(Literals, Entailed, Most) :-
    findall(P, ( member(L, Literals), arg(1, L, P) ), Ps0),
    sort(Ps0, Ps),
    findall(Best, ( member(P, Ps), best(P, Literals, Entailed, Best) ), Bests),
    sum(Bests, 0, Most).

best(P, Literals, Entailed, Best) :-
    possible(on(P), off(P), Literals, Entailed, On),
    possible(off(P), on(P), Literals, Entailed, Off),
    max_list([On, Off], Best).

possible(Literal, Opposite, Literals, Entailed, Count) :-
    (   ord_memberchk(Opposite, Entailed)
    ->  Count = 0
    ;   findall(Literal, member(Literal, Literals), Found),
        length(Found, Count)
    ).

sum([], Sum, Sum).
sum([N|Ns], Sum0, Sum) :-
    Sum1 is Sum0 + N,
    sum(Ns, Sum1, Sum).

%!  compatible(+Program, +Bodies, -Body, -Other) is semidet.
%
%   The first two bodies of rules for different classes that no proposition
%   keeps apart, by its sign or by the thresholds of its feature.  Bodies with
%   counts, exceptions or derived propositions are passed over: what they
%   exclude is not seen here.

compatible(Program, Bodies, Body, Other) :-
    derived(Program, Derived),
    findall(P,
            ( member(body(_, _, class(_), _, Entailed), Bodies),
              member(Literal, Entailed),
              signed(Literal, P, _)
            ),
            Ps0),
    sort(Ps0, Ps),
    findall(P-Bit, ( nth0(At, Ps, P), Bit is 1 << At ), Pairs),
    list_to_assoc(Pairs, Bits),
    findall(signs(One, On, Off),
            ( member(One, Bodies),
              One = body(_, _, class(_), Conditions, Entailed),
              maplist(observed(Derived), Conditions),
              sign_mask(Entailed, on, Bits, On),
              sign_mask(Entailed, off, Bits, Off),
              On /\ Off =:= 0           % else it never holds
            ),
            All),
    once(( append(Before, [signs(Other, On2, Off2)|_], All),
           Other = body(_, _, Class2, _, _),
           member(signs(Body, On1, Off1), Before),
           On1 /\ Off2 =:= 0,
           Off1 /\ On2 =:= 0,
           Body = body(_, _, Class1, _, _),
           Class1 \== Class2
         )).

signed(on(P), P, on).
signed(off(P), P, off).

observed(Derived, Condition) :-
    signed(Condition, P, _),
    \+ ord_memberchk(P, Derived).

sign_mask(Literals, Sign, Bits, Mask) :-
    findall(Bit,
            ( member(Literal, Literals),
              signed(Literal, P, Sign),
              get_assoc(P, Bits, Bit)
            ),
            Found),
    sum(Found, 0, Mask).

%!  shadow_index(+Grouped, -Index) is det.
%
%   Index serves shadowed/4.  Grouped are Group-Body: only bodies of one group,
%   any ground term, are compared.

:- det(shadow_index/2).

shadow_index(Grouped, Index) :-
    keysort(Grouped, Sorted),
    group_pairs_by_key(Sorted, Groups),
    maplist(indexed, Groups, Indexes),
    list_to_assoc(Indexes, Index).

indexed(Group-Bodies, Group-Index) :-
    maplist(set, Bodies, Sets),
    subset_index(Sets, Index).

%   Counts are no elements, as they are also said in other words.

set(Body, Set-wider(Body, Counts)) :-
    Body = body(_, _, _, Conditions, _),
    partition(is_count, Conditions, Counts, Set).

is_count(count(_, _)).

%!  shadowed(+Index, +Group, +Narrower, -Wider) is nondet.
%
%   Wherever the body Narrower holds, Wider, another, of Group, holds too.

shadowed(Index, Group, body(N, _, _, _, Entailed), Wider) :-
    get_assoc(Group, Index, Sets),
    subset_of(Sets, Entailed, wider(Wider, Counts)),
    arg(1, Wider, W),
    W =\= N,
    forall(member(Count, Counts), said(Count, Entailed)).

said(Condition, Entailed) :-
    ord_memberchk(Condition, Entailed),
    !.
said(count(M, Literals), Entailed) :-
    findall(L, ( member(L, Literals), ord_memberchk(L, Entailed) ), Sure),
    length(Sure, Count),
    (   Count >= M
    ->  true
    ;   member(count(M2, Literals2), Entailed),
        sort(Literals, Set),
        sort(Literals2, Set2),
        length(Literals2, Length2),
        length(Set2, Length2),          % without repetition
        ord_subtract(Set2, Set, Outside),
        length(Outside, Out),
        M2 - Out >= M
    ),
    !.
