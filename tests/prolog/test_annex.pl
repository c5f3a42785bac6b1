:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module('../../prolog/proofsight', []).
:- use_module('../../prolog/proofsight/annex_words').
:- use_module('../../prolog/proofsight/check').
:- use_module('../../prolog/proofsight/revision').
:- use_module('../../prolog/proofsight/service').
:- use_module('../../prolog/proofsight/show').
:- use_module(library(http/json), [atom_json_dict/3]).
:- use_module(asked, [queried/6]).
:- use_module(written_revision).

/** <module> Facts beside the program
*/

:- begin_tests(annex).

circuit("circuit(c1, 'sha256:0', unit(high,1), 0.1, actgrad).
kernel(c1, high, 1, low, 0, 0.5, 1, excite).
").

issues(Files, Issues) :-
    with_revision(['rules.pl'="default_class(a).\n"|Files], issues_in(Issues)).

issues_in(Issues, Directory) :-
    check_directory(Directory, _, Issues0),
    findall(File:Line:Column:Code,
            member(issue(error, Code, File, Line, Column, _), Issues0),
            Issues).

found(Text, Found) :-
    issues(['circuits/a.pl'=Text], Issues),
    findall(Line:Column:Code, member('circuits/a.pl':Line:Column:Code, Issues), Found).

test('facts of the vocabulary are taken', Found == []) :-
    circuit(Text),
    found(Text, Found).
test('a comment and an empty file are no facts', Issues == []) :-
    issues(['circuits/a.pl'="% nothing\n", 'interactions/b.pl'=""], Issues).

%   bad(Line, Found): Line, put after the circuit's two, has one finding.

bad("kernel(c1, high, 1, low, -1, 0.5, 1, excite).", 3:26:bad_argument).
bad("kernel(c1, high, 1, low, 0, 0.5, 0, excite).", 3:34:bad_argument).
bad("kernel(c1, high, 1, low, 0, 0.5, 1, perhaps).", 3:37:bad_argument).
bad("kernel(c1, high, One, low, 0, 0.5, 1, excite).", 3:18:bad_argument).
bad("circuit(c2, 'sha256:0', unit(high,1), 1.5, actgrad).", 3:39:bad_argument).
bad("circuit(c2, 'sha256:0', unit(high,1), 0, actgrad).", 3:39:bad_argument).
bad("circuit(c2, 'sha256:0', unit(high,_), 0.1, actgrad).", 3:25:bad_argument).
bad("kernel(c2, high, 1, low, 0, 0.5, 1, excite).", 3:1:undeclared_id).
bad("circuit(c1, 'sha256:0', unit(high,1), 0.1, actgrad).", 3:1:declared_elsewhere).
bad(":- shell(touch).", 3:1:directive).
bad("?- shell(touch).", 3:1:directive).
bad("edge(a, b, c, d, e) :- shell(touch).", 3:1:unknown_clause).
bad("kernel(c1, high, 1).", 3:1:unknown_clause).
bad("layer(conv3, 'features.8', conv, 64).", 3:1:unknown_clause).
bad("loose.", 3:1:unknown_clause).
bad("kernel(c1 high).", 3:10:syntax_error).

test('what is no fact of the room is told with its place',
     [forall(bad(Line, Expected)), Found == [Expected]]) :-
    circuit(Text0),
    string_concat(Text0, Line, Text),
    found(Text, Found).
test('reading goes on after an error', Found == [1:1:unknown_clause, 2:1:unknown_clause]) :-
    found("a.\nb.\n", Found).
test('a circuit stands in one file alone',
     Issues == ['circuits/b.pl':1:1:declared_elsewhere]) :-
    circuit(Text),
    issues(['circuits/a.pl'=Text, 'circuits/b.pl'="circuit(c1, m, unit(l,0), 0.1, a)."],
           Issues).
test('files that are no Prolog, hidden or elsewhere are not read', Issues == []) :-
    issues(['circuits/a.npz'="x(", 'circuits/.b.pl'="x(", 'gallery/c.pl'="x("], Issues).
test('a revision with a damaged annex is not loaded', Reason == "BAD_PROGRAM") :-
    with_revision(['rules.pl'="default_class(a).\n", 'circuits/a.pl'="x.\n"],
                  refused(Reason)).

refused(Reason, Directory) :-
    service_load(Directory, [], none(), Answer),
    asked:read_json(Answer, _{error:Error}),
    Reason = Error.reason.

:- end_tests(annex).

:- begin_tests(annexed_revision, [setup(prepare), cleanup(unprepare)]).

:- dynamic prepared/1.

prepare :-
    plunit_annex:circuit(Text),
    with_revision(['rules.pl'="default_class(a).\n",
                   'user.pl'="wide(C) :- kernel(C, _, _, _, _, W, _, _), W > 0.4.\nbelow(C, L) :- reaches(C, L, _, high, 1).\n",
                   'circuits/a.pl'=Text],
                  load).

load(Directory) :-
    load_revision(Directory, KB, _, Issues),
    errors(Issues, []),
    assertz(prepared(KB)).

unprepare :-
    forall(retract(prepared(KB)), unload_revision(KB)).

solutions(Goal, Solutions) :-
    prepared(KB),
    queried(KB, none, Goal, [], Found, _),
    findall(Bindings, member(_{bindings:Bindings}, Found), Solutions).

test('goals may ask for its facts', Solutions == [[["L", "high"], ["S", "low"]]]) :-
    solutions("kernel(c1, L, 1, S, 0, _, _, _)", Solutions).
test('goals may ask its queries', Solutions == [[["S", "low"]]]) :-
    solutions("reaches(c1, S, _, high, 1)", Solutions).
test('user.pl may use both', Solutions == [[["C", "c1"], ["L", "low"]]]) :-
    solutions("wide(C), below(C, L)", Solutions).
test('every word of the annexes has its predicate') :-
    prepared(KB),
    forall(annex_word(Name, Arity),
           ( functor(Head, Name, Arity),
             predicate_property(KB:Head, defined),
             predicate_property(proofsight:Head, exported)
           )).
test('nothing is left once it is unloaded', true(Left == [])) :-
    plunit_annex:circuit(Text),
    with_revision(['rules.pl'="default_class(a).\n", 'circuits/a.pl'=Text], left(Left)).

left(Left, Directory) :-
    load_revision(Directory, KB, _, _),
    unload_revision(KB),
    findall(C, KB:circuit(C, _, _, _, _), Left).

:- end_tests(annexed_revision).

:- begin_tests(circuit_behind).

%   g reads channel 1 of `high`, whose circuit is c1; f another channel.

explained(Json, Directory) :-
    service_load(Directory, [], KB, _),
    service_explain(KB, facts(img, values(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9, 0.9), []),
                    class("x"), [], Json).

test('a literal names the circuit of the channel that it reads', Circuits == ["g"-"c1"]) :-
    plunit_annex:circuit(Text),
    with_revision(['rules.pl'="class(I, x) :- rule(r, I), active(I, g), active(I, f).\n",
                   'circuits/a.pl'=Text],
                  explained(Json)),
    atom_string(Atom, Json),
    atom_json_dict(Atom, Answer, []),
    findall(P-Circuit,
            ( member(Node, Answer.nodes),
              get_dict(circuit, Node, Circuit),
              P = Node.proposition
            ),
            Circuits).
test('it stands behind the label', Line == "g is active: 0.9 > 0.5  ['ear']  (circuit c1)") :-
    Details = [ proposition(g), label(ear), circuit(c1), threshold(0.5), value(0.9) ],
    proof_lines(proof([node(active(img, g), active, 'FACT', [], Details)], ''), [Line0]),
    format(string(Line), '~s', [Line0]).

:- end_tests(circuit_behind).
