:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module(library(lists), [append/3, last/2, member/2, nth0/3, nth1/3, numlist/3]).
:- use_module('../../prolog/proofsight/check').
:- use_module('../../prolog/proofsight/encoding').
:- use_module('../../prolog/proofsight/facts').
:- use_module('../../prolog/proofsight/proof').
:- use_module('../../prolog/proofsight/revision').
:- use_module('../../prolog/proofsight/show').
:- use_module('../../prolog/proofsight/truth').
:- use_module(random_program).
:- use_module(written_revision).

/** <module> Refutations that have what matters
*/

:- begin_tests(nearness).

far("class(I, x) :- rule(far, I), active(I, a), active(I, b), active(I, c).
class(I, x) :- rule(near, I), active(I, a), active(I, d).
class(I, x) :- rule(counted, I), at_least(3, [active(I, a), active(I, b), active(I, c), active(I, d)]).
class(I, x) :- rule(middle, I), active(I, a), active(I, b), active(I, d).
class(I, x) :- rule(same, I), active(I, b), active(I, d).
class(I, y) :- rule(other, I), \\+ active(I, a).
").

values(values(0.25, 0.25, 0.25, 1.0, 0.25, 0.25, 0.25, 0.25)).

asked(Goal, Whole, Nodes, Lines, Directory) :-
    values(Values),
    asked(Goal, Values, Whole, Nodes, Lines, Directory).

asked(Goal, Values, Whole, Nodes, Lines, Directory) :-
    load_revision(Directory, KB, _, Issues),
    errors(Issues, []),
    findall(Terms,
            ( carry(KB, img, Values, []),
              about(KB, img, About),
              root(KB, Goal, About, Root),
              nodes(Root, 1000, Whole, Found, ''),
              nodes_terms(Found, Terms)
            ),
            [Nodes]),
    proof_lines(proof(Nodes, ''), Lines),
    unload_revision(KB).

refuted(Text, Whole, Rules, Lines) :-
    with_revision(['rules.pl'=Text], asked(class(img, x), Whole, Nodes, Lines)),
    Nodes = [node(_, class, 'ABSENT', Children, _)|_],
    findall(Rule,
            ( member(Child, Children),
              nth0(Child, Nodes, node(_, _, _, _, Details)),
              memberchk(rule(Rule), Details)
            ),
            Rules).

test('the rules that come nearest to firing come first, and the others are counted',
     Rules-Last == [near, same, counted]-"└─ and 2 more, farther from firing") :-
    far(Text),
    refuted(Text, false, Rules, Lines),
    once(append(_, [Last], Lines)).
test('a whole refutation has all rules as they stand in the file',
     Rules == [far, near, counted, middle, same]) :-
    far(Text),
    refuted(Text, true, Rules, Lines),
    \+ ( member(Line, Lines), sub_string(Line, _, _, _, "more, farther") ).
test('of few rules nothing is left out', Rules == [near, far]) :-
    refuted("class(I, x) :- rule(far, I), active(I, a), active(I, b).
             class(I, x) :- rule(near, I), active(I, c).", false, Rules, Lines),
    \+ ( member(Line, Lines), sub_string(Line, _, _, _, "more, farther") ).

scores("points(I, x, 1) :- rule(p1, I), active(I, a).
points(I, x, 4) :- rule(p2, I), active(I, b).
points(I, x, 2) :- rule(p3, I), active(I, d).
points(I, x, 3) :- rule(p4, I), active(I, c).
points(I, x, -3) :- rule(p5, I), active(I, e).
points(I, y, 8) :- rule(p6, I), active(I, d).
policy(points).
").

test('of a score that was less, the points that would have it ahead are shown',
     Lines == [ "x was not decided",
                "├─ x scores 2 from base 0, 6 less than y",
                "│  ├─ +2 by p3: d is active: 1 > 0.5",
                "│  ├─ no +4 by p2: b is not active: 0.25 ≤ 0.5",
                "│  ├─ no +3 by p4: c is not active: 0.25 ≤ 0.5",
                "│  └─ and 2 more that do not hold",
                "└─ y was decided",
                "   ├─ y scores 8 from base 0, 6 more than x",
                "   │  └─ +8 by p6: d is active: 1 > 0.5",
                "   └─ x scores 2 from base 0, 6 less than y (shown above)"
              ]) :-
    scores(Text),
    with_revision(['rules.pl'=Text],
                  asked(decision(img, x), false, _, Lines)).

%   a and c hold, b, d and e do not.

ranked("class(I, z) :- rule(r1, I), active(I, b), active(I, d).
class(I, x) :- rule(r2, I), active(I, a), \\+ ab(r2, I).
ab(r2, I) :- rule(r2_1, I), active(I, c), \\+ ab(r2_1, I).
ab(r2_1, I) :- rule(r2_1_1, I), active(I, d).
class(I, z) :- rule(r3, I), active(I, e).
class(I, y) :- rule(r4, I), active(I, a), \\+ ab(r4, I).
ab(r4, I) :- rule(r4_1, I), active(I, b).
class(I, x) :- rule(r5, I), at_least(2, [active(I, a), active(I, b), active(I, d)]).
class(I, w) :- rule(r6, I), active(I, c).
class_order([x, y, z, w]).
rule_stats(r4, [confidence(0.5)]).
rule_stats(r1, [confidence(0.75)]).
rule_stats(r2, [confidence(0.875)]).
").

ranked_values(values(1.0, 0.25, 1.0, 0.25, 0.25, 0.25, 0.25, 0.25)).

why_not(Policy, Class, Whole, Lines) :-
    ranked(Text0),
    string_concat(Text0, Policy, Text),
    ranked_values(Values),
    with_revision(['rules.pl'=Text], asked(decision(img, Class), Values, Whole, _, Lines)).

test('of an ordered program, what stopped the class is shown, and the rule that decided instead',
     Lines == [ "x was not decided",
                "├─ x does not hold",
                "│  ├─ rule r2 does not fire",
                "│  │  └─ an exception of r2 applies by rule r2_1",
                "│  │     ├─ c is active: 1 > 0.5",
                "│  │     └─ no exception of r2_1 applies",
                "│  │        └─ rule r2_1_1 does not fire",
                "│  │           └─ d is not active: 0.25 ≤ 0.5",
                "│  └─ rule r5 does not fire",
                "│     └─ only 1 of 3 hold, 2 are needed",
                "│        ├─ ✗ b is not active: 0.25 ≤ 0.5",
                "│        ├─ ✗ d is not active: 0.25 ≤ 0.5",
                "│        └─ holding already: 1",
                "└─ y was decided",
                "   ├─ y holds by rule r4",
                "   │  ├─ a is active: 1 > 0.5",
                "   │  └─ no exception of r4 applies",
                "   │     └─ rule r4_1 does not fire",
                "   │        └─ b is not active: 0.25 ≤ 0.5",
                "   └─ rules that come first and do not fire: 3"
              ]) :-
    why_not("policy(ordered).", x, false, Lines).
test('so it is where the greatest confidence decides', Last == "   └─ rules that come first and do not fire: 2") :-
    why_not("policy(confidence).", x, false, Lines),
    once(append(_, [Last], Lines)).
test('a class that holds but comes later is told with the one that comes first',
     forall(member(Policy, ["policy(exclusive).", "policy(ordered).", "policy(confidence)."])),
     First == "w was not decided: it holds, but y, which comes first, does too") :-
    why_not(Policy, w, false, [First|_]).
test('whole, the rules that come first are all there') :-
    why_not("policy(ordered).", x, true, Lines),
    forall(member(Rule, ["r1", "r2", "r3"]),
           ( member(Line, Lines),
             atomics_to_string(["rule ", Rule, " does not fire"], Fired),
             sub_string(Line, _, _, _, Fired)
           )),
    \+ ( member(Line, Lines), sub_string(Line, _, _, _, "come first") ).
test('where the default was decided, only the class that was asked for is refuted',
     Lines == [ "z was not decided",
                "├─ z does not hold",
                "│  └─ rule r does not fire",
                "│     └─ b is not active: 0.25 ≤ 0.5",
                "└─ x was decided",
                "   └─ no rule fires, so the default x applies",
                "      └─ classes that do not hold: 3"
              ]) :-
    ranked_values(Values),
    with_revision(['rules.pl'="policy(ordered). default_class(x). class_order([x, y, z]).
class(I, y) :- rule(q, I), active(I, d).
class(I, z) :- rule(r, I), active(I, b).
"],
                  asked(decision(img, z), Values, false, _, Lines)).
test('of a derived proposition, too, the rules that come nearest are shown',
     Lines == [ "x does not hold",
                "└─ rule r does not fire",
                "   └─ f is not active: no rule derives it",
                "      ├─ rule d2 does not fire",
                "      │  └─ b is not active: 0.25 ≤ 0.5",
                "      ├─ rule d3 does not fire",
                "      │  └─ d is not active: 0.25 ≤ 0.5",
                "      ├─ rule d1 does not fire",
                "      │  ├─ b is not active: 0.25 ≤ 0.5",
                "      │  └─ d is not active: 0.25 ≤ 0.5",
                "      └─ and 1 more, farther from firing"
              ]) :-
    derived_rules(Text),
    with_revision(['rules.pl'=Text], asked(class(img, x), values(1.0, 0.25, 1.0, 0.25, 0.25, 0.25, none, none), false, _, Lines)).
test('a proof that something is not derived needs all of its rules', Count == 4) :-
    derived_rules(Text),
    with_revision(['rules.pl'=Text],
                  asked(class(img, y), values(1.0, 0.25, 1.0, 0.25, 0.25, 0.25, none, none), false, Nodes, _)),
    once(( member(node(_, active, 'ABSENT', Children, Details), Nodes),
           memberchk(proposition(f), Details)
         )),
    length(Children, Count).

derived_rules("class_order([x, y]).
class(I, x) :- rule(r, I), active(I, f).
class(I, y) :- rule(s, I), \\+ active(I, f).
derived(I, f) :- rule(d1, I), active(I, b), active(I, d).
derived(I, f) :- rule(d2, I), active(I, a), active(I, b).
derived(I, f) :- rule(d3, I), active(I, d).
derived(I, f) :- rule(d4, I), active(I, b), active(I, d), active(I, e).
").

undecided("class(I, x) :- rule(x1, I), active(I, a), active(I, b), active(I, c).
class(I, y) :- rule(y1, I), active(I, a), active(I, d).
class(I, z) :- rule(z1, I), active(I, a), active(I, b), active(I, c), active(I, e).
class(I, z) :- rule(z2, I), active(I, a), active(I, b).
class(I, w) :- rule(w1, I), active(I, a), active(I, b), active(I, c), active(I, e).
policy(exclusive).
class_order([v, w, x, y, z]).
").

test('where nothing was decided the classes that come nearest are shown, and the others counted',
     Classes-Last == [y, z, x]-"└─ and 2 more, farther from holding") :-
    undecided(Text),
    with_revision(['rules.pl'=Text],
                  asked(decision(img, _), false, [node(_, _, _, Children, _)|Nodes], Lines)),
    findall(Class,
            ( member(Child, Children),
              nth1(Child, Nodes, node(_, _, _, _, Details)),
              memberchk(class(Class), Details)
            ),
            Classes),
    last(Lines, Last).
test('whole, all classes are, as they stand', Count == 5) :-
    undecided(Text),
    with_revision(['rules.pl'=Text],
                  asked(decision(img, _), true, [node(_, _, _, Children, _)|_], _)),
    length(Children, Count).

%   A class that lacks Count propositions, of each of which Count rules fail.

wide(Count, Quantiser, Rules) :-
    quantiser(Quantiser0),
    numlist(1, Count, Numbers),
    findall(Line,
            ( member(N, Numbers),
              format(string(Line), "proposition(p~d, derived(high), none).\n", [N])
            ),
            Declared),
    findall(Literal,
            ( member(N, Numbers), format(string(Literal), "active(I, p~d)", [N]) ),
            Literals),
    atomic_list_concat(Literals, ', ', Body),
    format(string(Class), "class(I, x) :- rule(x, I), ~w.~n", [Body]),
    findall(Rule,
            ( member(N, Numbers), member(M, Numbers),
              format(string(Rule),
                     "derived(I, p~d) :- rule(r~d_~d, I), active(I, a), active(I, b).~n",
                     [N, N, M])
            ),
            Derived),
    atomics_to_string([Quantiser0|Declared], Quantiser),
    atomics_to_string([Class|Derived], Rules).

test('beyond what a person reads, a refutation says how much is not shown',
     forall(member(Count, [20, 30]))) :-
    wide(Count, Quantiser, Rules),
    with_revision(['quantiser.pl'=Quantiser, 'rules.pl'=Rules],
                  asked(class(img, x), false, Nodes, Lines)),
    length(Nodes, Size),
    Size =< 66,
    length(Lines, Length),
    Length < 100,
    forall(member(node(_, active, 'ABSENT', Children, Details), Nodes),
           ( memberchk(value(_), Details)
           ; length(Children, Shown),
             memberchk(left_out(Left), Details),
             Count =:= Shown + Left
           )),
    once(( member(Line, Lines), sub_string(Line, _, _, _, "not shown: ") )).

test('what is left out is counted, on random programs', forall(between(1, 40, Seed))) :-
    set_random(seed(Seed)),
    (   Seed mod 2 =:= 0
    ->  random_program(12, Program)
    ;   random_points(12, Program)
    ),
    program_text(Program, Text),
    with_revision(['rules.pl'=Text], loaded(KB)),
    forall(between(1, 10, _), counted(KB, Program)),
    unload_revision(KB).

loaded(KB, Directory) :-
    load_revision(Directory, KB, _, Issues),
    errors(Issues, []).

counted(KB, Program) :-
    random_facts(Program, facts(Image, Values, Predicted)),
    member(Class, [x, y, z]),
    KB:'$named'(Class, decision, _),
    findall(Terms,
            ( member(Whole, [true, false]),
              carry(KB, Image, Values, Predicted),
              about(KB, Image, About),
              root(KB, decision(Image, Class), About, Root),
              nodes(Root, 100_000, Whole, Nodes, ''),
              nodes_terms(Nodes, Terms)
            ),
            [All, Some]),
    forall(member(node(Goal, Kind, Status, Children, Details), Some),
           ( member(node(Goal, Kind, Status, AllChildren, _), All),
             length(Children, Shown),
             length(AllChildren, Count),
             (   memberchk(left_out(Left), Details)
             ->  Left > 0
             ;   Left = 0
             ),
             Count =:= Shown + Left
           )).

:- end_tests(nearness).
