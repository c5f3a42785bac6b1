:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module(library(http/json), [json_read_dict/2]).
:- use_module(library(process), [process_create/3, process_wait/2]).
:- use_module(written_revision).

:- begin_tests(tool).

tool(Arguments, Out, Status) :-
    written_revision:here(Here),
    atom_concat(Here, '/../../prolog/proofsight/tool.pl', Tool),
    process_create(path(swipl), [Tool|Arguments],
                   [stdout(pipe(Pipe, [encoding(utf8)])), stderr(null), process(Process)]),
    read_string(Pipe, _, Out),
    close(Pipe),
    process_wait(Process, exit(Status)).

checked(Directory, Document, Status) :-
    tool([check, Directory], Out, Status),
    setup_call_cleanup(open_string(Out, In), json_read_dict(In, Document), close(In)).

test('check tells what a revision says', Status == 0) :-
    revision_path(street, Directory),
    checked(Directory, D, Status),
    D.ok == true,
    D.issues == [],
    D.policy == "exclusive",
    D.default_class == "driveway",
    D.class_order == ["street", "Free Way", "driveway"],
    D.user == ["road/1", "vehicle/1", "quiet/1", "busy/2", "near/2", "reach/2", "odd/1", "sure/1"],
    D.labels == [["conv3_c26", "left wall", "hand(ada)"],
                 ["conv3_c8", "car's \"bonnet\"", "auto(coverage,0.83)"],
                 ["conv3_c8", "bonnet", "auto(iou,0.07)"]],
    [Layer|_] = D.layers,
    Layer = _{atom: "conv3", module: "features.8", kind: "conv", size: 64, reads: "features.10"},
    nth0(4, D.propositions, Cell),
    Cell = _{name: "conv3_c40_max_g2_r0c1", kind: "cell", layer: "conv3", index: 40,
              reduction: "max", grid: [2, 2], at: [0, 1], threshold: 1.2000000476837158},
    nth0(7, D.propositions, Derived),
    Derived = _{name: "fc1_u7_off", kind: "derived", layer: "fc1", threshold: null},
    nth0(0, D.rules, Rule),
    Rule = _{ id: "r1", head: ["class", "street"], line: 1,
               body: [["active", "conv3_c26", true], ["active", "conv3_c8", false], ["unless", "r1"]],
               stats: [["support", 412], ["confidence", 0.981], ["layer", "conv3"]]
             },
    nth0(4, D.rules, AtLeast),
    AtLeast.body == [["at_least", 2, [["conv3_c12", true], ["conv3_c8", true], ["fc1_u7", false]]]],
    nth0(6, D.rules, DerivedRule),
    DerivedRule.head == ["derived", "fc1_u7"].
test('findings are no failure', [Status, Ok, Code, Line, Column] == [0, false, "undeclared_proposition", 1, 38]) :-
    with_revision(['rules.pl'='class(I, x) :- rule(r, I), active(I, nope).'], found(D, Status)),
    Ok = D.ok,
    once(( member(Issue, D.issues), Issue.severity == "error" )),
    Code = Issue.code,
    Line = Issue.line,
    Column = Issue.column.
test('names of any script come through', Class == "道路 'été'") :-
    with_revision(['rules.pl'='class_order([\'道路 \\\'été\\\'\']). default_class(\'道路 \\\'été\\\'\').'], found(D, 0)),
    [Class] = D.class_order.
test('wrong usage is status 2', forall(member(Arguments, [[], [check], [frobnicate, x], [check, '/nonexistent']]))) :-
    tool(Arguments, "", 2).

found(Document, Status, Directory) :-
    checked(Directory, Document, Status).

:- end_tests(tool).
