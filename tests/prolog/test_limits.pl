:- use_module(library(plunit)).
:- use_module('../../prolog/proofsight/limits').
:- use_module(asked).
:- use_module(written_revision).

/** <module> Goals that do not end, and goals that eat
*/

:- begin_tests(limits).

%   greedy(Goal, Reasons): with little of everything, ends for one of Reasons.

greedy("repeat, fail", ["UNSAFE_GOAL"]).
greedy("between(1, inf, X), X < 0", ["INFERENCE_LIMIT"]).
greedy("forall(between(1, inf, X), X > 0)", ["INFERENCE_LIMIT"]).
greedy("findall(X, between(1, inf, X), L)", ["INFERENCE_LIMIT", "MEMORY_LIMIT"]).
greedy("aggregate_all(count, between(1, inf, X), N)", ["INFERENCE_LIMIT"]).
greedy("length(L, N), N < 0", ["INFERENCE_LIMIT"]).
greedy("length(L, 1000000000)", ["MEMORY_LIMIT"]).
greedy("length(L, 1000000), fail ; numlist(1, 100000000, L)", ["INFERENCE_LIMIT", "MEMORY_LIMIT"]).
greedy("append(X, Y, Z), fail", ["INFERENCE_LIMIT", "MEMORY_LIMIT"]).
greedy("nth0(I, L, x), fail", ["INFERENCE_LIMIT", "MEMORY_LIMIT"]).
greedy("functor(T, f, 1000000000)", ["MEMORY_LIMIT"]).
greedy("X is 7 ** (7 ** (7 ** 7))", ["MEMORY_LIMIT"]).
greedy("endless(a)", ["INFERENCE_LIMIT", "MEMORY_LIMIT"]).
greedy("deep(a)", ["INFERENCE_LIMIT", "MEMORY_LIMIT"]).
greedy("grows(a)", ["INFERENCE_LIMIT", "MEMORY_LIMIT"]).
greedy("slow(200000)", ["INFERENCE_LIMIT"]).

user("endless(X) :- endless(X).
deep(X) :- deep(f(X)), atom(X).
grows(X) :- grows(f(X, X)).
slow(N) :- N > 0, M is N - 1, slow(M).
slow(0).
").

test('a greedy goal ends and the next is answered', Wrong == []) :-
    user(User),
    with_revision(['rules.pl'='class_order([x]). default_class(x).', 'user.pl'=User],
                  wrongs(Wrong)).

wrongs(Wrong, Directory) :-
    proofsight_service:service_load(Directory, [], KB, _),
    Facts = facts(img, values(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), []),
    Limits = [inferences(300_000), seconds(5), stack(64_000_000)],
    statistics(globalused, Before),
    findall(Text-Reason,
            ( greedy(Text, Reasons),
              queried(KB, Facts, Text, Limits, Answer),
              Reason = Answer.get(error).get(reason),
              (   \+ memberchk(Reason, Reasons)
              ;   queried(KB, Facts, "decision(Image, C)", Limits, Next),
                  Next.get(solutions) \== 1
              )
            ),
            Wrong),
    garbage_collect,
    statistics(globalused, After),
    After - Before < 1_000_000,
    current_prolog_flag(stack_limit, 256_000_000),
    \+ nb_current(proofsight_facts, _).

test('inferences are counted alike on every run', Counts == [N, N, N]) :-
    street(KB),
    street_facts(plain, Facts),
    explained(KB, Facts, goal("vehicle(Image)"), _),
    findall(Count,
            ( between(1, 3, _),
              explained(KB, Facts, goal("vehicle(Image)"), Answer),
              Count = Answer.inferences
            ),
            Counts),
    Counts = [N|_].
test('the limit that a goal reached is told', [Reason, Limit] == ["INFERENCE_LIMIT", "1000"]) :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, "between(1, inf, X), fail", [inferences(1000)], Answer),
    Reason = Answer.error.reason,
    Limit = Answer.error.metadata.limit.
test('time ends a goal that has inferences left', Reason == "TIME_LIMIT") :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, "between(1, inf, X), fail",
            [inferences(1_000_000_000_000), seconds(0.05)], Answer),
    Reason = Answer.error.reason.
test('solutions before the limit were sent', Count == 3) :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, "member(X, [1, 2, 3]) ; between(1, inf, X), X < 0",
            [inferences(20_000)], Solutions, Answer),
    Answer.error.reason == "INFERENCE_LIMIT",
    length(Solutions, Count).
test('an answer too long to write is memory', Reason == "MEMORY_LIMIT") :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, "numlist(1, 300000, L)", [inferences(10_000_000)], Answer),
    Reason = Answer.error.reason.
test('an error in a goal is the goal\'s', Reason == "BAD_GOAL") :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, "X is foo + 1", [], Answer),
    Reason = Answer.error.reason.
test('a goal that is too long is refused', Reason == "BAD_GOAL") :-
    street(KB),
    street_facts(plain, Facts),
    length(Codes, 70_000),
    maplist(=(0'a), Codes),
    string_codes(Text, Codes),
    queried(KB, Facts, Text, [], Answer),
    Reason = Answer.error.reason.
test('deep brackets are no way out', true(memberchk(Reason, ["BAD_GOAL", "MEMORY_LIMIT"]))) :-
    street(KB),
    street_facts(plain, Facts),
    length(Codes, 60_000),
    maplist(=(0'(), Codes),
    string_codes(Text, Codes),
    queried(KB, Facts, Text, [stack(64_000_000)], Answer),
    Reason = Answer.error.reason.
test('bounded leaves no choice point and passes failure on', Outcomes == [true, false]) :-
    findall(Outcome,
            ( member(Goal, [member(_, [a, b]), fail]),
              bounded(Goal, [], Outcome)
            ),
            Outcomes).

%   Inferences that are left over would end another goal, much later.

test('time that is up while the stacks are short costs no later goal', Outcomes == [true]) :-
    forall(between(1, 10, Round),
           ( Seconds is 0.03 * Round,
             bounded(grow([]), [inferences(2_000_000), seconds(Seconds), stack(60_000_000)],
                     refused(_, _, _))
           )),
    findall(Outcome, bounded(count_down(2_100_000), [inferences(3_000_000)], Outcome), Outcomes).

grow(Term) :-
    grow([Term|Term], 1).

grow(Term, N) :-
    N1 is N + 1,
    grow([a, b, N|Term], N1).

count_down(0) :- !.
count_down(N) :-
    N1 is N - 1,
    count_down(N1).

:- end_tests(limits).
