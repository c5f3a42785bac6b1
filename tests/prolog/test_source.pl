:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module('../../prolog/proofsight/source').
:- use_module('../../prolog/proofsight/clauses').
:- use_module(written_revision).

:- begin_tests(source).

read_text(Text, Clauses, Errors, Lines) :-
    with_revision(['rules.pl'=Text], read_rules(Clauses, Lines, Errors)).

read_rules(Clauses, Lines, Errors, Directory) :-
    atomic_list_concat([Directory, 'rules.pl'], /, File),
    read_source(File, =, All, Lines),
    partition([syntax_error(_, _)]>>true, All, Errors, Clauses).

terms(Text, Terms) :-
    read_text(Text, Clauses, _, _),
    findall(Term, member(read(Term, _, _), Clauses), Terms).

test('reading goes on after a syntax error', Terms == [a, d]) :-
    terms("a.\nb(c :- .\nd.\n", Terms).
test('every syntax error is told', Count == 3) :-
    read_text("a b.\nc(.\nd.\n'x \\q'.\n", _, Errors, _),
    length(Errors, Count).
test('an unfinished clause is an error', What == end_of_file) :-
    read_text("a :- b,\n", _, [syntax_error(What, _)], _).
test('operators declared elsewhere do not change a file', Terms == []) :-
    op(700, xfx, user:is_like),
    call_cleanup(terms("a is_like b.\n", Terms), op(0, xfx, user:is_like)).
test('lines and columns count characters, not bytes', Line:Column == 2:7) :-
    read_text("é.\n'é', x y.\n", _, [syntax_error(_, Offset)], Lines),
    line_column(Lines, Offset, Line, Column).
test('the first character is 1:1', Line:Column == 1:1) :-
    read_text("a.", _, _, Lines),
    line_column(Lines, 0, Line, Column).
test('nothing in a file runs', true(\+ getenv(proofsight_ran, _))) :-
    terms(":- setenv(proofsight_ran, 1).\nterm_expansion(a, b).\na.\n", Terms),
    length(Terms, 3).
test('no quasi quotation is run', [true(Var)]) :-
    terms("a({|html||x|}).\n", [a(X)]),
    ( var(X) -> Var = true ; Var = false ).

goal("a(X)").
goal("a(X).").
goal("a(X) . ").
goal("a(X) % comment").

test('a goal may end with a full stop or without', forall(goal(Text))) :-
    read_goal(Text, a(X), _, ['X'=X0]),
    X == X0.
test('two goals are refused', throws(bad_text(_, _))) :-
    read_goal("a. b", _, _, _).
test('an empty goal is refused', throws(bad_text(_, _))) :-
    read_goal("", _, _, _).
test('half a goal is refused where it breaks', throws(bad_text(_, 3))) :-
    read_goal("a(b c)", _, _, _).

:- end_tests(source).

:- begin_tests(single).

%   The slow twin: the float32 neighbours of X, from the definition.

single(X, Single) :-
    proofsight_clauses:single(X, Single).

pair(0.5, 0.5).
pair(0.1, 0.10000000149011612).
pair(1, 1.0).
pair(16777217, 16777216.0).             % ties go to the even neighbour
pair(16777219, 16777220.0).
pair(-0.1, -0.10000000149011612).
pair(0.0, 0.0).
pair(1.0e-45, 1.401298464324817e-45).   % subnormal
pair(1.0e-46, 0.0).
pair(3.4028234663852886e38, 3.4028234663852886e38).

test('a number becomes the nearest float32', forall(pair(X, Y))) :-
    single(X, Single),
    Single =:= Y.
test('rounding twice changes nothing') :-
    forall(between(1, 500, _),
           ( X is (random_float - 0.5) * 2 ** (random(60) - 30),
             single(X, S),
             single(S, Again),
             S =:= Again,
             abs(S - X) =< abs(X) * 2 ** -24
           )).
test('what is beyond float32 is refused', fail) :-
    single(3.5e38, _).
test('infinity is refused', fail) :-
    X is inf,
    single(X, _).

:- end_tests(single).
