:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module('../../prolog/proofsight/check').
:- use_module(asked).
:- use_module(written_revision).

/** <module> What a goal of a stranger may not do
*/

:- begin_tests(attacks).

%   unsafe(Goal): may not run.

unsafe("shell(touch)").
unsafe("shell('touch /tmp/x', _)").
unsafe("open('/etc/passwd', read, S)").
unsafe("see('/etc/passwd')").
unsafe("consult('/etc/passwd')").
unsafe("['/etc/passwd']").
unsafe("load_files(x, [])").
unsafe("use_module(library(process))").
unsafe("ensure_loaded(library(process))").
unsafe("process_create(path(ls), [], [])").
unsafe("assert(a)").
unsafe("assertz(class(img, street))").
unsafe("asserta(a)").
unsafe("retract(class(_, _))").
unsafe("retractall(class(_, _))").
unsafe("abolish(class/2)").
unsafe("erase(x)").
unsafe("recorda(a, b)").
unsafe("clause(class(_, _), B)").
unsafe("listing").
unsafe("halt").
unsafe("halt(0)").
unsafe("abort").
unsafe("throw(x)").
unsafe("catch(true, _, true)").
unsafe("catch((repeat, fail), _, true)").
unsafe("catch_with_backtrace(true, _, true)").
unsafe("setup_call_cleanup(true, true, halt)").
unsafe("call_cleanup(true, halt)").
unsafe("system:shell(x)").
unsafe("lists:append(X, Y, Z)").
unsafe("proofsight_service:known(x)").
unsafe("\\+ user:halt").
unsafe("X:true").
unsafe("call(system:halt)").
unsafe("call(lists:append([a]), [b], L)").
unsafe("X").
unsafe("(true, X)").
unsafe("(true ; X)").
unsafe("(X -> true)").
unsafe("\\+ X").
unsafe("once(X)").
unsafe("ignore(X)").
unsafe("G = halt, call(G)").
unsafe("G = halt, G").
unsafe("G =.. [halt, 1], call(G)").
unsafe("call(X, halt)").
unsafe("call(call, halt)").
unsafe("call(call(call), halt)").
unsafe("call(halt)").
unsafe("call(findall(X), G, L)").
unsafe("call(at_least(1), [halt])").
unsafe("call(1)").
unsafe("call((true, halt))").
unsafe("forall(true, halt)").
unsafe("forall(X, true)").
unsafe("findall(X, halt, L)").
unsafe("findall(X, G, L)").
unsafe("findall(X, member(X, [a]), L, T), halt").
unsafe("aggregate_all(count, halt, C)").
unsafe("aggregate_all(X, true, C)").
unsafe("aggregate_all(concat(X), true, C)").
unsafe("setof(X, Y^system:halt, L)").
unsafe("setof(X, member(X, [a]), L)").
unsafe("bagof(X, Y^member(X-Y, [a-b]), L)").
unsafe("at_least(1, [halt])").
unsafe("at_least(1, L)").
unsafe("at_least(1, [true|T])").
unsafe("at_least(1, [X])").
unsafe("maplist(halt, [0])").
unsafe("foldl(call, [a], b, X)").
unsafe("include(halt, [0], L)").
unsafe("apply(halt, [0])").
unsafe("not(halt)").
unsafe("@(halt, user)").
unsafe("format(\"~w\", [x])").
unsafe("format(atom(A), \"~@\", [halt])").
unsafe("with_output_to(string(S), halt)").
unsafe("write(x)").
unsafe("print_message(error, x)").
unsafe("nl").
unsafe("read_term(X, [])").
unsafe("read(X)").
unsafe("read_term_from_atom('halt', X, [])").
unsafe("atom_to_term('halt', X, B)").
unsafe("term_to_atom(X, 'f(Y)')").
unsafe("term_string(X, \"halt\")").
unsafe("string_to_atom(S, halt), call(S)").
unsafe("sformat(S, x, [])").
unsafe("b_setval(proofsight_facts, x)").
unsafe("nb_setval(proofsight_facts, x)").
unsafe("b_getval(proofsight_facts, X)").
unsafe("nb_getval(proofsight_facts, X)").
unsafe("nb_current(K, V)").
unsafe("nb_setarg(1, f(x), y)").
unsafe("setarg(1, f(x), y)").
unsafe("garbage_collect").
unsafe("garbage_collect_atoms").
unsafe("trim_stacks").
unsafe("set_prolog_flag(stack_limit, 100000000000)").
unsafe("set_prolog_stack(global, limit(1))").
unsafe("prolog_load_context(directory, D)").
unsafe("current_prolog_flag(executable, E)").
unsafe("getenv('PATH', P)").
unsafe("setenv(a, b)").
unsafe("thread_create(true, Id)").
unsafe("thread_send_message(main, x)").
unsafe("engine_create(x, true, E)").
unsafe("mutex_create(M)").
unsafe("sleep(10)").
unsafe("alarm(1, true, Id)").
unsafe("call_with_time_limit(1, true)").
unsafe("call_with_inference_limit(true, 1, R)").
unsafe("tnot(a)").
unsafe("abolish_all_tables").
unsafe("freeze(X, halt)").
unsafe("when(ground(X), halt)").
unsafe("dif(X, Y)").
unsafe("put_attr(X, a, b)").
unsafe("shift(ball)").
unsafe("reset(true, B, C)").
unsafe("prolog_cut_to(X)").
unsafe("prolog_current_frame(F)").
unsafe("open_null_stream(S)").
unsafe("current_op(P, T, N)").
unsafe("op(700, xfx, foo)").
unsafe("current_predicate(P)").
unsafe("predicate_property(P, X)").
unsafe("tmp_file(a, F)").
unsafe("delete_file('/tmp/x')").
unsafe("atom_concat(a, b, X)").
unsafe("atomic_list_concat([a, b], X)").
unsafe("string_concat(a, b, X)").
unsafe("gensym(a, X)").
unsafe("flag(proofsight_revisions, X, 0)").
unsafe("use_foreign_library(foo)").
unsafe("'$set_source_module'(X)").
unsafe("'$destroy_module'(user)").
unsafe("!").
unsafe("member(X, [a]), !").
unsafe("phrase(x, L)").
unsafe("123").
unsafe("\"halt\"").
unsafe("[]").
unsafe("a:b:c").
unsafe("X = 1, {|html||x|}").

test('an unsafe goal is refused before it runs', forall(unsafe(Text))) :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, Text, [], Answer),
    Answer.error.reason == "UNSAFE_GOAL",
    explained(KB, Facts, goal(Text), Why),
    Why.error.reason == "UNSAFE_GOAL".

%   unknown(Goal, Position): names what is not there.

unknown("vehicel(Image)", "1").
unknown("true, vehicle(Image, b)", "7").
unknown("findall(X, foo(X), L)", "12").
unknown("active(Image, conv3_c9)", "15").
unknown("'$node'(1, X)", "1").
unknown("'$candidate'(X)", "1").
unknown("{halt}", "1").
unknown("carried_value(I, P, V)", "1").

test('what is not there is told with its position', forall(unknown(Text, Position))) :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, Text, [], Answer),
    Answer.error.reason == "BAD_GOAL",
    Answer.error.metadata.position == Position.

test('what is not defined is answered with what is like it, and what can be asked',
     forall(told(Text, Message))) :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, Text, [], Answer),
    Answer.error.message == Message.

told("foo(Image)", "foo/1 is not defined; ask decision/2, class/2, active/2, value/3, label/3, or another word of the vocabulary or of user.pl (road/1, vehicle/1, quiet/1, busy/2, near/2, reach/2, …); user.pl may define more").
told("vehicel(Image)", "vehicel/1 is not defined; nearest: vehicle/1; ask decision/2, class/2, active/2, value/3, label/3, or another word of the vocabulary or of user.pl (road/1, vehicle/1, quiet/1, busy/2, near/2, reach/2, …); user.pl may define more").

%   safe(Goal, Count): may run, and has so many solutions.

safe("true", 1).
safe("vehicle(Image)", 1).
safe("class(Image, C)", 1).
safe("active(Image, P), \\+ P == conv3_c12", 2).
safe("G = halt, atom(G)", 1).
safe("G =.. [halt, 1]", 1).
safe("call(vehicle, Image)", 1).
safe("call(member(X), [a, b])", 2).
safe("forall(member(X, [1, 2]), X > 0)", 1).
safe("findall(P, active(Image, P), Ps), length(Ps, N), N >= 2", 1).
safe("aggregate_all(max(V), value(Image, P, V), M)", 1).
safe("aggregate_all(count, active(Image, P), N)", 1).
safe("( class(Image, street) -> X = yes ; X = no )", 1).
safe("( class(Image, driveway) *-> X = yes ; X = no )", 1).
safe("at_least(2, [active(Image, conv3_c12), active(Image, conv3_c26), vehicle(Image)])", 1).
safe("once(member(X, [a, b]))", 1).
safe("ignore(fail)", 1).
safe("atom_length(abc, N), sub_atom(abc, 0, 1, _, S), upcase_atom(S, U)", 1).
safe("nth1(I, [a, b], E), N is I * 2 ** 3", 2).
safe("msort([b, a], L), reverse(L, R), sum_list([1, 2], S), numlist(1, 3, Ns)", 1).
safe("predicted(Image, C, P), P > 0.5", 1).
safe("rule(R, Image), rule_stats(R, S)", 3).
safe("proposition(P, F, T), F = unit(L, N)", 2).
safe("label(P, L, By)", 3).
safe("layer(L, M, K, N), reads(L, R)", 2).
safe("policy(P), default_class(D), class_order(O)", 1).
safe("ab(R, Image)", 0).
safe("derived(Image, P)", 1).
safe("fail", 0).

test('a safe goal runs', forall(safe(Text, Count))) :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, Text, [], Answer),
    Answer.get(solutions) == Count,
    Answer.more == false.

:- end_tests(attacks).

:- begin_tests(user_files).

issues(User, Codes) :-
    with_revision(['rules.pl'='class_order([x]). default_class(x).', 'user.pl'=User],
                  found(Codes)).

found(Codes, Directory) :-
    check_directory(Directory, _, Issues),
    findall(Code:Line, member(issue(error, Code, 'user.pl', Line, _, _), Issues), Codes).

%   refused(Code, Clause, Accepted)

refused(unsafe_goal, 'p(I) :- shell(I).', 'p(I) :- atom(I).').
refused(unsafe_goal, 'p(I) :- call(I).', 'p(I) :- call(atom, I).').
refused(unsafe_goal, 'p(I) :- user:halt.', 'p(I) :- true.').
refused(unsafe_goal, 'p(I) :- class(I, x), !.', 'p(I) :- once(class(I, x)).').
refused(unsafe_goal, 'p(I) :- catch(q(I), _, true). q(a).', 'p(I) :- ignore(q(I)). q(a).').
refused(undeclared_predicate, 'p(I) :- qq(I). q(a).', 'p(I) :- q(I). q(a).').
refused(undeclared_predicate, 'p(I) :- q(I, I). q(a).', 'p(I) :- q(I). q(a).').
refused(undeclared_proposition, 'p(I) :- active(I, aa).', 'p(I) :- active(I, a).').
refused(unknown_class, 'p(I) :- decision(I, z).', 'p(I) :- decision(I, x).').
refused(reserved_predicate, 'class(I, x) :- active(I, a).', 'klass(I, x) :- active(I, a).').
refused(reserved_predicate, 'active(I, a).', 'busy(I, a).').
refused(reserved_predicate, 'value(img, a, 1.0).', 'worth(img, a, 1.0).').
refused(reserved_predicate, 'member(a, b).', 'member_of(a, b).').
refused(reserved_predicate, 'atom_length(a, b).', 'atom_size(a, b).').
refused(reserved_predicate, 'halt.', 'stop.').
refused(reserved_predicate, '\'$node\'(1, true).', 'node(1, true).').
refused(directive, ':- dynamic(p/1).', 'dynamic_p(1).').
refused(directive, ':- initialization(halt).', 'p(1).').
refused(unknown_clause, 'p --> q.', 'p :- q. q.').
refused(unknown_clause, 'm:p(a).', 'p(a).').
refused(unknown_clause, 'm:p(a) :- true.', 'p(a) :- true.').
refused(unknown_clause, 'p(a) => true.', 'p(a) :- true.').
refused(unknown_clause, 'X :- true.', 'p(X) :- true.').
refused(negative_cycle, 'p(I) :- \\+ q(I). q(I) :- p(I).', 'p(I) :- q(I). q(I) :- active(I, a).').
refused(negative_cycle, 'p(I) :- forall(p(J), J == I).', 'p(I) :- forall(q(J), J == I). q(a).').
refused(syntax_error, 'p(a', 'p(a).').

test('a clause of user.pl is refused, its nearest neighbour is not',
     forall(refused(Code, Clause, Accepted))) :-
    issues(Clause, Codes),
    memberchk(Code:1, Codes),
    issues(Accepted, []).
test('recursion without negation is allowed', Codes == []) :-
    issues('p(X, Y) :- q(X, Y). p(X, Y) :- q(X, Z), p(Z, Y). q(a, b).', Codes).
test('the sandbox has the same opinion', forall(clean(Text))) :-
    with_revision(['rules.pl'='class_order([x]). default_class(x).', 'user.pl'=Text], loads).

clean("p(I) :- decision(I, x), \\+ active(I, a), aggregate_all(count, active(I, _), N), N > 1.").
clean("p(I) :- at_least(1, [active(I, a), q(I)]). q(I) :- forall(value(I, _, V), V > 0).").
clean("p(X) :- member(X, [1, 2]), findall(Y, q(Y), Ys), nth0(0, Ys, _), msort(Ys, _). q(1).").
clean("p(I) :- predicted(I, C, P), P > 0.5, call(q, C), rule(_, I). q(x).").
clean("p(I) :- ( q(I) -> true ; ab(_, I) ), once(derived(I, f)). q(x).").

loads(Directory) :-
    proofsight_revision:load_revision(Directory, KB, _, []),
    proofsight_revision:unload_revision(KB).

:- end_tests(user_files).
