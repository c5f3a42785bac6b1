:- use_module(library(plunit)).
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(library(apply), [exclude/3]).
:- use_module(library(http/json), [atom_json_dict/3]).
:- use_module(library(lists), [last/2, member/2, nth0/3, nth1/3]).
:- use_module('../../prolog/proofsight/check').
:- use_module('../../prolog/proofsight/facts').
:- use_module('../../prolog/proofsight/flip').
:- use_module('../../prolog/proofsight/greedy').
:- use_module('../../prolog/proofsight/plan').
:- use_module('../../prolog/proofsight/revision').
:- use_module('../../prolog/proofsight/service').
:- use_module('../../prolog/proofsight/shift').
:- use_module('../../prolog/proofsight/truth').
:- use_module(asked).
:- use_module(random_program).
:- use_module(written_revision).

/** <module> The fewest changes, against all that there are
*/

:- begin_tests(flip).

test('no smaller set of changes decides so, on random programs', forall(between(1, 60, Seed))) :-
    set_random(seed(Seed)),
    Size is 1 + Seed mod 9,
    random_program(Size, Program),
    program_text(Program, Text),
    with_revision(['rules.pl'=Text], loaded(KB)),
    forall(between(1, 6, _), fewest(KB, Program)),
    unload_revision(KB).

test('nor for programs by points', forall(between(1, 80, Seed))) :-
    set_random(seed(Seed)),
    Size is 2 + Seed mod 13,
    random_points(Size, Program),
    program_text(Program, Text),
    with_revision(['rules.pl'=Text], loaded(KB)),
    forall(between(1, 6, _), fewest(KB, Program)),
    unload_revision(KB).

test('a search cut short tells a true bound and changes that do it',
     Cuts == [inferences]) :-
    findall(Cut,
            ( between(1, 25, Seed),
              set_random(seed(Seed)),
              random_points(14, Program),
              program_text(Program, Text),
              with_revision(['rules.pl'=Text], loaded(KB)),
              member(Inferences, [100, 1_000, 2_000, 4_000]),
              member(Target, [other(), class(x), class(y), class(z)]),
              (   cut_short(KB, Program, Target, Inferences, Cut0)
              ->  Cut = Cut0
              ;   Cut = wrong(Seed, Inferences, Target)
              )
            ),
            All),
    sort(All, Cuts0),
    exclude(==(''), Cuts0, Cuts).

cut_short(KB, Program, Target, Inferences, Cut) :-
    random_facts(Program, Facts),
    Facts = facts(Image, Values, Predicted),
    carry(KB, Image, Values, Predicted),
    about(KB, Image, About),
    flip(About, Target, [inferences(100_000_000)], flip(Status, From, _, Exact, _, Least, '', _)),
    flip(About, Target, [inferences(Inferences)], flip(Status1, From, To, Changes, Verified, Bound, Cut, _)),
    (   Cut == ''
    ->  [Status1, Changes, Bound] == [Status, Exact, Least]
    ;   Status1 == 'CUT_SHORT',
        ( Least == inf -> true ; Bound =< Least ),
        (   Changes == []
        ->  Verified == false
        ;   length(Changes, Count),
            Count >= Least,
            Verified == true,
            changed(Changes, Facts, Changed),
            decided_class(Program, Changed, Decided),
            class_of(To, Decided)
        )
    ).

test('whatever its limit, a search has an answer, and one that more time only betters') :-
    scores(KB),
    street_facts(plain, facts(Image, Values, _)),
    findall(Status-Bound,
            ( member(Limit, [inferences(1), inferences(100), inferences(400), inferences(1_000),
                             inferences(3_000), seconds(0.0), inferences(1_000_000)]),
              service_flip(KB, facts(Image, Values, []), other, [Limit], Json),
              atom_string(Atom, Json),
              atom_json_dict(Atom, Answer, []),
              _{status: Status, lower_bound: Bound} :< Answer
            ),
            Answers),
    length(Answers, 7),
    last(Answers, "FOUND"-Least),
    forall(member(Status-Bound, Answers),
           ( Status == "CUT_SHORT" -> Bound =< Least ; Status-Bound == "FOUND"-Least )),
    memberchk("CUT_SHORT"-1, Answers).
test('a class that was decided needs no change, however little time there is') :-
    scores(KB),
    street_facts(plain, Facts),
    explained(KB, Facts, decision, Decided),
    service_flip(KB, Facts, class(Decided.decision), [inferences(1)], Json),
    atom_string(Atom, Json),
    atom_json_dict(Atom, Answer, []),
    [Answer.status, Answer.changes] == ["FOUND", []].

%   What one look at each rule finds.

test('greedy moves have the plan hold, and mostly there are some where there can be',
     true(Share >= 0.8)) :-
    findall(Found,
            ( between(1, 60, Seed),
              set_random(seed(Seed)),
              Size is 1 + Seed mod 9,
              random_program(Size, Program),
              program_text(Program, Text),
              with_revision(['rules.pl'=Text], loaded(KB)),
              random_facts(Program, Facts),
              member(Target, [other(), class(x), class(y), class(z)]),
              greedily(KB, Program, Facts, Target, Found),
              Found \== none
            ),
            All),
    aggregate_all(count, member(true, All), Successes),
    length(All, Count),
    Count > 100,
    Share is Successes / Count.

greedily(KB, Program, Facts, Target, Found) :-
    Facts = facts(Image, Values, Predicted),
    carry(KB, Image, Values, Predicted),
    about(KB, Image, About),
    flip(About, Target, [inferences(100_000_000)], flip(Status, _, _, Exact, _, _, _, _)),
    start_shift(About, Shift),
    plans(Target, Shift, _, Plans),
    Best = best(none, none),
    greedy_moves(Plans, Shift, Best),
    Best = best(Cost, _),
    (   ( Exact == [] ; Status == 'IMPOSSIBLE' )
    ->  Found = none,
        ( Status == 'IMPOSSIBLE' -> Cost == none ; true )
    ;   Cost == none
    ->  Found = false
    ;   Found = true,
        length(Exact, Fewest),
        Cost >= Fewest,
        flip(About, Target, [steps(0)],
             flip(_, _, To, Changes, true, Bound, _, _)),
        length(Changes, Count),
        Bound =< Fewest,
        Count >= Fewest,
        Count =< Cost,
        changed(Changes, Facts, Changed),
        decided_class(Program, Changed, Decided),
        class_of(To, Decided)
    ).

loaded(KB, Directory) :-
    load_revision(Directory, KB, _, Issues),
    errors(Issues, Errors),
    ( Errors == [] -> true ; print_message(error, format('~p', [Errors])), fail ).

fewest(KB, Program) :-
    random_facts(Program, Facts),
    Facts = facts(Image, Values, Predicted),
    carry(KB, Image, Values, Predicted),
    about(KB, Image, About),
    decided_class(Program, Facts, Own),
    findall(Class-Cost,
            ( every_state(Facts, Other, Cost),
              decided_class(Program, Other, Class)
            ),
            All),
    forall(member(Target, [other(), class(x), class(y), class(z)]),
           fewest(About, Program, Facts, Own, All, Target)).

fewest(About, Program, Facts, Own, All, Target) :-
    flip(About, Target, [inferences(100_000_000), seconds(100), steps(1_000_000)], Flip),
    (   aggregate_all(min(Cost), ( member(Class-Cost, All), wanted(Target, Own, Class) ),
                      Fewest)
    ->  true
    ;   Fewest = inf
    ),
    Flip = flip(Status, _, To, Changes, Verified, Bound, '', _),
    length(Changes, Count),
    (   Fewest == inf
    ->  Expected = ['IMPOSSIBLE', 0, inf, false]
    ;   Fewest =:= 0
    ->  Expected = ['FOUND', 0, 0, true]
    ;   Expected = ['FOUND', Fewest, Fewest, true]
    ),
    (   [Status, Count, Bound, Verified] == Expected,
        changed(Changes, Facts, Changed),
        decided_class(Program, Changed, Decided),
        ( Fewest == inf -> true ; wanted(Target, Own, Decided) ),
        class_of(To, Decided)
    ->  true
    ;   print_message(error, format('~p instead of ~p: ~p', [Flip, Expected, Target-Facts])),
        fail
    ).

class_of(To, Class) :-
    (   winning(To, Class0)
    ->  Class = Class0
    ;   Class = none
    ).

wanted(other(), Own, Class) :- Class \== Own.
wanted(class(Class), _, Class).

decided_class(Program, Facts, Class) :-
    twin_decision(Program, Facts, Decision),
    (   Decision = Class0-_
    ->  Class = Class0
    ;   Class = none
    ).

changed(Changes, facts(Image, Values0, Predicted), facts(Image, Values, Predicted)) :-
    Values0 =.. [values|List0],
    findall(V,
            ( nth1(Index, List0, V0),
              (   member(change(Index, _, _, _, _, New), Changes)
              ->  V = New
              ;   V = V0
              )
            ),
            List),
    Values =.. [values|List].

%   Every state of the observed propositions that a value has, and how many
%   differ.

every_state(facts(Image, Values0, Predicted), facts(Image, Values, Predicted), Cost) :-
    Values0 =.. [values, A0, B0, C0, D0, E0, E0, F0, G0],
    either(A0, A), either(B0, B), either(C0, C), either(D0, D),
    member(E, [0.25, 0.625, 1.0]),
    either(F0, F), either(G0, G),
    Values = values(A, B, C, D, E, E, F, G),
    Values =.. [_|List],
    Values0 =.. [_|List0],
    aggregate_all(count,
                  ( nth0(I, List, V), nth0(I, List0, V0), number(V),
                    ( I =:= 5 -> T = 0.75 ; T = 0.5 ),
                    bit(V, T, Bit), bit(V0, T, Bit0), Bit \== Bit0
                  ),
                  Cost).

either(none, none) :- !.
either(_, V) :- member(V, [0.25, 1.0]).

bit(V, T, Bit) :- ( V > T -> Bit = 1 ; Bit = 0 ).

:- end_tests(flip).
