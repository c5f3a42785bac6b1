:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module('../../prolog/proofsight/json').
:- use_module('../../prolog/proofsight/messages').
:- use_module('../../prolog/proofsight/number_text').
:- use_module(library(http/json), [atom_json_dict/3]).

:- begin_tests(json).

test('values nest', Text == "{\"a\":[1,2.5,null],\"b\":{},\"c\":[],\"d\":true}") :-
    json_text(object([a-[1, 2.5, null()], b-object([]), c-[], d-true()]), Text).
test('every code below 256 reads back through library(http/json)') :-
    findall(Code, between(1, 255, Code), Codes),
    atom_codes(Atom, Codes),
    round_trip(Atom).
test('text of many planes reads back') :-
    Atom = 'Straße 道路 \U0001F697 "quoted" \\ /',
    round_trip(Atom).
test('the nul character is escaped', Quoted == "\"a\\u0000b\"") :-
    atom_codes(Atom, [0'a, 0, 0'b]),
    json_string(Atom, Quoted).
test('a lone surrogate, which UTF-8 cannot carry, is replaced', Codes == [0'", 0xfffd, 0'"]) :-
    proofsight_json:escaped([0xd800], Codes0, [0'"]),
    Codes = [0'"|Codes0].

round_trip(Atom) :-
    json_string(Atom, Quoted),
    atom_string(Json, Quoted),
    atom_json_dict(Json, Read, [value_string_as_atom(true)]),
    atom_string(ReadAtom, Read),
    ReadAtom == Atom.

:- end_tests(json).

:- begin_tests(messages).

test('slots are filled', Text == "rule {x} fires") :-
    text('rule.proved', [rule='{x}'], Text).
test('control characters of names become spaces', Text == "rule a b c fires") :-
    atom_codes(Rule, [0'a, 27, 0'b, 0x9b, 0'c]),
    text('rule.proved', [rule=Rule], Text).
test('an unknown key is an error', error(existence_error(message, nonsense))) :-
    text(nonsense, [], _).
test('a missing slot is an error', error(existence_error(message_slot, rule))) :-
    text('rule.proved', [], _).
test('near names are offered, most alike first',
     Text == "no class named stret; nearest: street, streets") :-
    text('error.UNKNOWN_CLASS', [name=stret, nearest=near(stret, [road, streets, street])], Text).
test('nothing is offered where nothing is alike', Text == "no class named xyz") :-
    text('error.UNKNOWN_CLASS', [name=xyz, nearest=near(xyz, [street, road])], Text).
test('at most three names are offered', Text == "no class named c1; nearest: c1a, c1b, c1c") :-
    text('error.UNKNOWN_CLASS', [name=c1, nearest=near(c1, [c1c, c1a, c1d, c1b])], Text).
test('every message of a kind and a status exists') :-
    forall(member(Key, [ 'decision.proved', 'decision.absent', 'decision.none',
                         'default.fact', 'class.proved', 'class.absent',
                         'class.ruleless', 'rule.proved', 'rule.absent',
                         'active.fact', 'active.proved', 'active.absent',
                         'active.underived', 'at_least.proved', 'at_least.absent',
                         'exception.proved', 'exception.absent', 'user.proved',
                         'user.fact', 'user.absent', 'builtin.proved',
                         'builtin.fact', 'builtin.absent', 'cut_short.nodes'
                       ]),
           proofsight_messages:pieces(en, Key, _)).

:- end_tests(messages).

:- begin_tests(numbers).

number(0.0, "0").
number(-0.0, "0").
number(4.31, "4.31").
number(2.1, "2.1").
number(0.41370999813079834, "0.4137").
number(12345.6, "12350").
number(1.2345e-5, "0.00001234").
number(-0.5, "-0.5").
number(100.0, "100").
number(999.96, "1000").
number(1.0e20, "100000000000000000000").
number(7, "7").
number(10.05, "10.05").

test('numbers have four significant digits and no exponent', forall(number(X, Text))) :-
    number_text(X, 4, Shown),
    Shown == Text.
test('what would read alike gets the digits that tell it apart',
     Value-Threshold == "2.10004"-"2.1") :-
    proofsight_number_text:numbers(2.10004, 2.1, 4, Value, Threshold).
test('equal numbers stay short', Value-Threshold == "2.1"-"2.1") :-
    proofsight_number_text:numbers(2.1, 2.1, 4, Value, Threshold).
test('neighbours in float32 are told apart') :-
    proofsight_number_text:numbers(0.41370999813079834, 0.41371002793312073, 4, V, T),
    V \== T.

:- end_tests(numbers).
