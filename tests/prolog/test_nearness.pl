:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module(library(lists), [append/3, member/2, nth0/3]).
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
    load_revision(Directory, KB, _, Issues),
    errors(Issues, []),
    values(Values),
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
    forall(( member(node(Goal, Kind, Status, Children, Details), Some),
             memberchk(Kind, [class, score])
           ),
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
