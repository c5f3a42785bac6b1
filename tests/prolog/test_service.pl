:- use_module(library(plunit)).
:- use_module('../../prolog/proofsight/service').
:- use_module('../../prolog/proofsight/revision').
:- use_module(library(apply), [maplist/3]).
:- use_module(library(dicts), [dict_keys/2]).
:- use_module(library(process), [process_create/3, process_wait/2]).
:- use_module(library(yall)).
:- use_module(asked).
:- use_module(written_revision).

:- begin_tests(service).

explain(Case, Question, Answer) :-
    street(KB),
    street_facts(Case, Facts),
    explained(KB, Facts, Question, Answer).

test('loading describes the revision') :-
    revision_path(street, Directory),
    service_load(Directory, [], KB, Json),
    asked:read_json(Json, D),
    D.propositions == ["conv3_c8", "conv3_c12", "conv3_c26", "conv3_c26_t2",
                       "conv3_c40_max_g2_r0c1", "fc1_u3", "fc1_u7"],
    D.derived == ["fc1_u7_off"],
    D.classes == ["street", "Free Way", "driveway"],
    D.policy == "exclusive",
    D.default == "driveway",
    D.rules == 9,
    D.user == ["road/1", "vehicle/1", "quiet/1", "busy/2", "near/2", "reach/2",
               "odd/1", "sure/1"],
    D.issues == [],
    unload_revision(KB).
test('a broken revision is refused with its issues', KB == none()) :-
    with_revision(['rules.pl'='class(I, x) :- rule(r, I), active(I, nope).\na b.\n'],
                  refused(KB, Answer)),
    Answer.error.reason == "BAD_PROGRAM",
    [Issue|_] = Answer.error.issues,
    Issue.code == "undeclared_proposition",
    [Issue.file, Issue.line, Issue.column] == ["rules.pl", 1, 38].
test('a directory that is not there is refused', KB == none()) :-
    service_load('/nonexistent/revision', [], KB, Json),
    asked:read_json(Json, Answer),
    Answer.error.reason == "BAD_PROGRAM".

refused(KB, Answer, Directory) :-
    service_load(Directory, [], KB, Json),
    asked:read_json(Json, Answer).

test('the decision is told with its rule') :-
    explain(plain, decision, Answer),
    [Answer.decision, Answer.rule, Answer.default, Answer.holds, Answer.root]
        == ["street", "r1", false, true, 0].
test('a decision by default says so') :-
    explain(excepted, decision, Answer),
    [Answer.decision, Answer.rule, Answer.default] == ["driveway", null, true].
test('why not shows the refutation and the decision', Kinds == ["decision", "class", "decision"]) :-
    explain(plain, class("Free Way"), Answer),
    Answer.holds == false,
    nth0(0, Answer.nodes, Root),
    Root.status == "ABSENT",
    findall(Kind,
            ( member(N, [0|Root.children]), nth0(N, Answer.nodes, Node), Kind = Node.kind ),
            Kinds).
test('an unknown class is told with its neighbours') :-
    explain(plain, class("Freeway"), Answer),
    Answer.error.reason == "UNKNOWN_CLASS",
    Answer.error.metadata.name == "Freeway".
test('an unknown class in a goal likewise') :-
    explain(plain, goal("class(Image, freeway)"), Answer),
    Answer.error.reason == "UNKNOWN_CLASS".
test('a value that equals its threshold is inactive', Status == "ABSENT") :-
    explain(threshold, goal("active(Image, conv3_c12)"), Answer),
    [Node] = Answer.nodes,
    Status = Node.status,
    Node.value =:= Node.threshold.
test('evidence carries value, threshold and label') :-
    explain(plain, goal("active(Image, conv3_c26)"), Answer),
    [Node] = Answer.nodes,
    [Node.proposition, Node.value, Node.threshold, Node.label, Node.status]
        == ["conv3_c26", 3.0, 2.0999999046325684, "left wall", "FACT"].
test('absent keys are left out', Keys == [goal, kind, proposition, status, threshold, value]) :-
    explain(plain, goal("active(Image, conv3_c12)"), Answer),
    [Node] = Answer.nodes,
    dict_keys(Node, Keys).
test('a count is needed, holding, total', Count == [2, 1, 3]) :-
    explain(plain, class("Free Way"), Answer),
    member(Node, Answer.nodes),
    Node.kind == "at_least",
    !,
    Count = Node.count.
test('a goal that is used twice is one node', Goals == Unique) :-
    explain(excepted, decision, Answer),
    findall(G-R, ( member(N, Answer.nodes), G = N.goal, R = N.get(rule, none) ), Goals),
    sort(Goals, Sorted),
    length(Goals, L),
    length(Sorted, L),
    Unique = Goals.
test('every answer is one line of JSON in which children follow parents',
     forall(street_facts(Case, _))) :-
    forall(member(Q, [decision, class("street"), class("Free Way"), goal("quiet(Image)")]),
           ( explain(Case, Q, Answer),
             length(Answer.nodes, Count),
             findall(C, ( member(N, Answer.nodes), member(C, N.get(children, [])) ), Cs0),
             sort([0|Cs0], Cs),
             Last is Count - 1,
             numlist(0, Last, Cs)
           )).
test('a proof is cut short at its most nodes', forall(between(1, 12, Most))) :-
    street(KB),
    street_facts(upper_unobserved, Facts),
    explained(KB, Facts, decision, [nodes(Most)], Answer),
    length(Answer.nodes, Count),
    Count =< Most,
    Answer.cut_short == "nodes",
    Answer.holds == true,
    once(( member(Node, Answer.nodes), Node.status == "CUT_SHORT" )).
test('enough nodes cut nothing short', Cut == "") :-
    street(KB),
    street_facts(upper_unobserved, Facts),
    explained(KB, Facts, decision, [nodes(22)], Answer),
    Cut = Answer.cut_short.
test('user predicates name the line of their clause', Rule == "user.pl:4") :-
    explain(plain, goal("vehicle(Image)"), Answer),
    Answer.holds == true,
    [Root|_] = Answer.nodes,
    Rule = Root.rule.
test('a conjunction is proved goal by goal', [Kind, Status, Children] == ["builtin", "PROVED", [1, 2]]) :-
    explain(plain, goal("class(Image, C), active(Image, conv3_c12)"), Answer),
    [Root|_] = Answer.nodes,
    Kind = Root.kind, Status = Root.status, Children = Root.children.
%   Whatever was asked, a node is what its children make it.

asked_goal("vehicle(Image)").
asked_goal("quiet(Image)").
asked_goal("busy(Image, N)").
asked_goal("odd(Image)").
asked_goal("sure(Image)").
asked_goal("reach(a, c)").
asked_goal("reach(X, a)").
asked_goal("class(Image, C)").
asked_goal("class(Image, 'Free Way')").
asked_goal("ab(r1, Image)").
asked_goal("derived(Image, fc1_u7)").
asked_goal("rule(R, Image)").
asked_goal("\\+ (vehicle(Image), odd(Image))").
asked_goal("( class(Image, C), road(C) ; reach(c, X) )").
asked_goal("once(near(X, b)), ignore(near(c, X)), call(near, a, Y)").
asked_goal("( near(a, X) *-> near(X, Y) ; true )").
asked_goal("( near(c, X) -> true ; near(a, X), near(X, Y) )").
asked_goal("at_least(2, [vehicle(Image), odd(Image), \\+ quiet(Image), reach(a, b)])").
asked_goal("findall(P, active(Image, P), Ps), length(Ps, N), N > 2").
asked_goal("active(nobody, conv3_c12)").

test('a node is what its children make it', forall(asked_goal(Goal))) :-
    forall(street_facts(Case, _),
           ( explain(Case, goal(Goal), Answer),
             forall(member(Node, Answer.nodes), sound(Node, Answer.nodes)),
             [Root|_] = Answer.nodes,
             ( holding(Root.status) -> Answer.holds == true ; Answer.holds == false )
           )).

holding(Status) :-
    memberchk(Status, ["PROVED", "FACT"]).

sound(Node, Nodes) :-
    findall(S,
            ( member(C, Node.get(children, [])), nth0(C, Nodes, Child), S = Child.status ),
            Statuses),
    (   rightly(Node.kind, Node.status, Node, Statuses)
    ->  true
    ;   print_message(error, format('unsound: ~p', [Node])),
        fail
    ).

rightly("not", "PROVED", _, [S]) => \+ holding(S).
rightly("not", "ABSENT", _, [S]) => holding(S).
rightly("decision", "ABSENT", _, _) => true.
rightly("decision", "PROVED", _, [S|_]) => holding(S).
rightly("default", "FACT", _, Ss) => \+ ( member(S, Ss), holding(S) ).
rightly("at_least", Status, Node, Ss) =>
    [M, H, N] = Node.count,
    Left = Node.get(left_out, 0),       % of a refutation, those that hold
    length(Ss, Shown),
    N =:= Shown + Left,
    findall(S, ( member(S, Ss), holding(S) ), Held),
    length(Held, HeldCount),
    H =:= HeldCount + Left,
    ( H >= M -> Status == "PROVED" ; Status == "ABSENT" ).
rightly(_, "PROVED", _, Ss) => forall(member(S, Ss), holding(S)).
rightly(_, "FACT", _, Ss) => Ss == [].
rightly(_, "ABSENT", _, Ss) => \+ ( member(S, Ss), holding(S) ).

test('no decision is an answer too') :-
    with_revision(['rules.pl'='class_order([x]). class(I, x) :- rule(r, I), active(I, a).'],
                  undecided(Answer)),
    [Answer.decision, Answer.holds] == [null, false],
    [Root|_] = Answer.nodes,
    [Root.goal, Root.status, Root.children] == ["decision(img,_)", "ABSENT", [1]].

undecided(Answer, Directory) :-
    service_load(Directory, [], KB, _),
    explained(KB, facts(img, values(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), []), decision, Answer).

%   Facts.

bad_facts(facts(img, values(0.1), []), "BAD_FACTS").
bad_facts(facts("img", values(0.1, 0.5, 3.0, 3.0, 0.3, -1.0, 0.75), []), "BAD_FACTS").
bad_facts(facts(img, nothing, []), "BAD_FACTS").
bad_facts(nothing, "BAD_FACTS").
bad_facts(facts(img, values(0.1, none, 3.0, 3.0, 0.3, -1.0, 0.75), []), "BAD_FACTS").

test('facts that do not fit are refused', forall(bad_facts(Facts, Reason))) :-
    street(KB),
    explained(KB, Facts, decision, Answer),
    Answer.error.reason == Reason.
test('a revision that is not loaded is told', Reason == "UNKNOWN_KB") :-
    street_facts(plain, Facts),
    explained(nonsense, Facts, decision, Answer),
    Reason = Answer.error.reason.
test('any name serves for the image', Goal == "decision('my image',street)") :-
    street(KB),
    street_facts(plain, facts(_, Values, Predicted)),
    explained(KB, facts('my image', Values, Predicted), decision, Answer),
    [Root|_] = Answer.nodes,
    Goal = Root.goal.
test('the answer for another image differs in its name alone') :-
    street(KB),
    street_facts(upper_unobserved, facts(_, Values, Predicted)),
    service_explain(KB, facts(img, Values, Predicted), decision, [], A),
    service_explain(KB, facts(other, Values, Predicted), decision, [], B),
    split_string(A, ",(", "", PartsA),
    split_string(B, ",(", "", PartsB),
    maplist([X, Y]>>( X == Y ; X == "img", Y == "other" ; sub_string(X, _, _, _, "img)"), sub_string(Y, _, _, _, "other)") ; sub_string(X, _, _, _, "inferences") ),
            PartsA, PartsB), !.

%   Queries.

query(Goal, Limits, Solutions, Answer) :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, Goal, Limits, Solutions, Answer).

test('solutions come one by one with their bindings',
     Bindings == [[["C", "street"]], [["C", "'Free Way'"]]]) :-
    street(KB),
    street_facts(plain, facts(_, _, P)),
    queried(KB, facts(img, values(0.1, 0.5, 4.5, 4.5, 0.3, -1.0, 0.25), P), "class(Image, C)", [],
            Solutions, Answer),
    Answer.solutions == 2,
    findall(B, ( member(S, Solutions), B = S.bindings ), Bindings).
test('values read back', Values == ["\"a\\nb\"", "'it\\'s'", "f(_1,_2,_1)", "-1", "- 1", "10000000000.0"]) :-
    query("A = \"a\\nb\", B = 'it\\'s', C = f(X, Y, X), D = -1, E = -(1), F = 1.0e10, _G = x", [], [S], _),
    findall(V, ( member([N, V], S.bindings), \+ memberchk(N, ["X", "Y"]) ), Values).
test('a term that looks like a written variable stays one', Values == ["'$VAR'(1)"]) :-
    query("X = '$VAR'(1)", [], [S], _),
    findall(V, member([_, V], S.bindings), Values).
test('an infinite value is a number that JSON can have') :-
    street(KB),
    Infinite is inf,
    service_explain(KB, facts(img, values(0.1, Infinite, 3.0, 3.0, 0.3, -1.0, 0.75), []),
                    goal("active(Image, conv3_c12)"), [], Json),
    once(sub_string(Json, _, _, _, "\"value\":1e999}")).
test('a revision without propositions decides by default', Decision == "x") :-
    with_revision(['quantiser.pl'='', 'rules.pl'='class_order([x]). default_class(x).'], load(KB)),
    compound_name_arity(Values, values, 0),
    explained(KB, facts(img, Values, []), decision, Answer),
    Decision = Answer.decision.
test('variables of a goal are in the order of their appearance', Names == ["B", "A"]) :-
    query("B = 1, A = 2", [], [S], _),
    findall(N, member([N, _], S.bindings), Names).
test('the image is given, not found', Bindings == []) :-
    query("decision(Image, street)", [], [S], _),
    Bindings = S.bindings.
test('there may be more where solutions were left', Ended == [2, true]) :-
    query("member(X, [a, b, c])", [solutions(2)], Solutions, Answer),
    length(Solutions, 2),
    Ended = [Answer.solutions, Answer.more].
test('there is no more where all were sent', Ended == [3, false]) :-
    query("member(X, [a, b, c])", [solutions(3)], _, Answer),
    Ended = [Answer.solutions, Answer.more].
test('no solution is an answer', Ended == [0, false]) :-
    query("class(Image, driveway)", [], [], Answer),
    Ended = [Answer.solutions, Answer.more].
test('each solution has its own proof', Goals == ["near(a,b)", "near(b,c)"]) :-
    query("near(X, Y)", [proofs(true)], Solutions, _),
    findall(G, ( member(S, Solutions), [N|_] = S.proof.nodes, G = N.goal ), Goals).
test('without facts goals that need none are answered', Solutions == 2) :-
    street(KB),
    queried(KB, none, "near(X, Y)", [proofs(true)], Answer),
    Solutions = Answer.solutions.
test('without facts no image is known', Solutions == 0) :-
    street(KB),
    queried(KB, none, "class(Image, C)", [], Answer),
    Solutions = Answer.solutions.
test('facts of one request are not those of the next', Solutions == 0) :-
    query("class(Image, C)", [], _, _),
    street(KB),
    queried(KB, none, "value(I, P, V)", [], Answer),
    Solutions = Answer.solutions.
test('an answer without end is written, but has no proof', Reason == "BAD_GOAL") :-
    query("X = f(X)", [], [S], _),
    S.bindings \== [],
    query("X = f(X)", [proofs(true)], _, Answer),
    Reason = Answer.error.reason.

%   Nothing is left behind.

choice_points(Goal, Choices) :-
    call_cleanup(Goal, Done = true),
    (   Done == true
    ->  Choices = none
    ;   Choices = some
    ),
    !.

service_goal(KB, Facts, service_explain(KB, Facts, decision, [], _)).
service_goal(KB, Facts, service_explain(KB, Facts, goal("reach(a, X)"), [], _)).
service_goal(KB, Facts, service_explain(KB, Facts, goal("halt"), [], _)).
service_goal(KB, Facts, service_explain(KB, Facts, class("none"), [], _)).
service_goal(KB, Facts, service_query(KB, Facts, "near(X, Y)", [solutions(1)], asked:collect(found([])), _)).
service_goal(KB, Facts, service_query(KB, Facts, "near(X", [], asked:collect(found([])), _)).

test('no call leaves choice points or variables behind') :-
    street(KB),
    street_facts(plain, Facts),
    forall(service_goal(KB, Facts, Goal),
           ( choice_points(Goal, none),
             \+ nb_current(proofsight_facts, _)
           )).
test('thousands of calls leave nothing behind') :-
    street(KB),
    street_facts(plain, Facts),
    Calls = forall(between(1, 300, _), service_explain(KB, Facts, goal("vehicle(Image)"), [], _)),
    call(Calls),
    garbage_collect, garbage_collect_atoms,
    statistics(atoms, Atoms0), statistics(globalused, Global0), statistics(clauses, Clauses0),
    call(Calls),
    call(Calls),
    garbage_collect, garbage_collect_atoms,
    statistics(atoms, Atoms1), statistics(globalused, Global1), statistics(clauses, Clauses1),
    Atoms1 - Atoms0 < 50,
    Global1 - Global0 < 100_000,
    Clauses1 =:= Clauses0.

%   Revisions side by side.

test('two revisions side by side do not disturb each other',
     [A, B, A2] == ["x", "y", "x"]) :-
    with_revision(['rules.pl'='default_class(x). class_order([x]).',
                   'user.pl'='mine(1).'], load(KB1)),
    with_revision(['rules.pl'='default_class(y). class_order([y]).',
                   'user.pl'='mine(2).'], load(KB2)),
    Facts = facts(img, values(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), []),
    decision(KB1, Facts, A),
    decision(KB2, Facts, B),
    queried(KB1, Facts, "mine(X)", [], [S1], _),
    queried(KB2, Facts, "mine(X)", [], [S2], _),
    [S1.bindings, S2.bindings] == [[["X", "1"]], [["X", "2"]]],
    unload_revision(KB2),
    decision(KB1, Facts, A2),
    explained(KB2, Facts, decision, Gone),
    Gone.error.reason == "UNKNOWN_KB".

load(KB, Directory) :-
    service_load(Directory, [], KB, _).

decision(KB, Facts, Decision) :-
    explained(KB, Facts, decision, Answer),
    Decision = Answer.decision.

test('a revision does not see the module user', Reason == "BAD_GOAL") :-
    assertz(user:secret_of_user(1)),
    street(KB),
    queried(KB, none, "secret_of_user(X)", [], Answer),
    retractall(user:secret_of_user(_)),
    Reason = Answer.error.reason.

test('a worker needs no autoloading', Status == exit(0)) :-
    written_revision:here(Here),
    atom_concat(Here, '/without_autoload.pl', Script),
    process_create(path(swipl), ['-q', Script], [process(Process)]),
    process_wait(Process, Status).

:- end_tests(service).
