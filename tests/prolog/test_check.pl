:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module('../../prolog/proofsight/check').
:- use_module(written_revision).

:- begin_tests(check).

%   issues(+Files, -Issues): what check finds, as Severity:Code:File:Line.

issues(Files, Issues) :-
    with_revision(Files, found(Issues)).

found(Issues, Directory) :-
    check_directory(Directory, _, All),
    findall(Severity:Code:File:Line,
            member(issue(Severity, Code, File, Line, _, _), All),
            Issues).

rules(Rules, Issues) :-
    atomic_list_concat(['class_order([x, y]).\ndefault_class(y).\n', Rules], Text),
    issues(['rules.pl'=Text], Issues).

%   refused(Code, Rules, Accepted): Rules have an error Code in line 3, and
%   Accepted, which is nearest to it, has not.

refused(syntax_error,
        'class(I, x) :- rule(r, I), active(I a).',
        'class(I, x) :- rule(r, I), active(I, a).').
refused(unknown_clause, 'klass(I, x) :- rule(r, I).', 'class(I, x) :- rule(r, I).').
refused(unknown_clause, 'class(img, x) :- rule(r, img).', 'class(I, x) :- rule(r, I).').
refused(directive, ':- class(I, x), rule(r, I).', 'class(I, x) :- rule(r, I).').
refused(missing_rule, 'class(I, x) :- active(I, a).', 'class(I, x) :- rule(r, I), active(I, a).').
refused(missing_rule, 'class(_, x).', 'class(I, x) :- rule(r, I).').
refused(missing_rule, 'class(I, x) :- rule(r, J), active(J, a).',
        'class(I, x) :- rule(r, I), active(I, a).').
refused(missing_rule, 'class(I, x) :- active(I, a), rule(r, I).',
        'class(I, x) :- rule(r, I), active(I, a).').
refused(unknown_literal, 'class(I, x) :- rule(r, I), active(J, a).',
        'class(I, x) :- rule(r, I), active(I, a).').
refused(unknown_literal, 'class(I, x) :- rule(r, I), class(I, y).',
        'class(I, x) :- rule(r, I), \\+ active(I, a).').
refused(unknown_literal, 'class(I, x) :- rule(r, I), ab(r, I).',
        'class(I, x) :- rule(r, I), \\+ ab(r, I).').
refused(unknown_literal, 'class(I, x) :- rule(r, I), G.',
        'class(I, x) :- rule(r, I), active(I, a).').
refused(undeclared_proposition, 'class(I, x) :- rule(r, I), active(I, aa).',
        'class(I, x) :- rule(r, I), active(I, a).').
refused(undeclared_proposition, 'derived(I, aa) :- rule(r, I), active(I, a).',
        'derived(I, f) :- rule(r, I), active(I, a).').
refused(unknown_class, 'class(I, z) :- rule(r, I), active(I, a).',
        'class(I, y) :- rule(r, I), active(I, a).').
refused(unknown_rule, 'ab(q, I) :- rule(r, I), active(I, a).',
        'ab(r, I) :- rule(r, I), active(I, a).').
refused(unknown_rule, 'class(I, x) :- rule(r, I), active(I, a), \\+ ab(q, I).',
        'class(I, x) :- rule(r, I), active(I, a), \\+ ab(r, I).').
refused(bad_at_least, 'class(I, x) :- rule(r, I), at_least(3, [active(I, a), active(I, b)]).',
        'class(I, x) :- rule(r, I), at_least(2, [active(I, a), active(I, b)]).').
refused(bad_at_least, 'class(I, x) :- rule(r, I), at_least(0, [active(I, a)]).',
        'class(I, x) :- rule(r, I), at_least(1, [active(I, a)]).').
refused(bad_at_least, 'class(I, x) :- rule(r, I), at_least(1, [active(I, a)|_]).',
        'class(I, x) :- rule(r, I), at_least(1, [active(I, a)]).').
refused(bad_at_least, 'class(I, x) :- rule(r, I), at_least(1, [active(I, a), \\+ ab(r, I)]).',
        'class(I, x) :- rule(r, I), at_least(1, [active(I, a), \\+ active(I, b)]).').
refused(unknown_policy, 'policy(weights).', 'policy(confidence).').
refused(unknown_policy, 'policy(first).', 'policy(ordered).').
refused(unobserved, 'class(I, x) :- rule(r, I), active(I, h).',
        'class(I, x) :- rule(r, I), active(I, h). derived(I, h) :- rule(d, I), active(I, a).').
refused(negative_cycle, 'ab(r, I) :- rule(r, I), active(I, a), \\+ ab(r, I).',
        'ab(r, I) :- rule(r, I), active(I, a).').
refused(positive_cycle, 'derived(I, f) :- rule(r, I), active(I, f).',
        'derived(I, f) :- rule(r, I), active(I, a).').
refused(out_of_order, 'derived(I, a) :- rule(r, I), active(I, f).',
        'derived(I, f) :- rule(r, I), active(I, a).').
refused(out_of_order, 'derived(I, f) :- rule(r, I), \\+ active(I, g).',
        'derived(I, h) :- rule(r, I), \\+ active(I, g).').
refused(out_of_order, 'derived(I, f) :- rule(r, I), active(I, h). derived(I, h) :- rule(d, I).',
        'derived(I, h) :- rule(r, I), active(I, f).').
refused(out_of_order, 'derived(I, f) :- rule(r, I), at_least(1, [active(I, a), active(I, g)]).',
        'derived(I, f) :- rule(r, I), at_least(1, [active(I, a), active(I, b)]).').
refused(out_of_order, 'ab(d, I) :- rule(e, I), active(I, g). derived(I, f) :- rule(d, I), \\+ ab(d, I).',
        'ab(d, I) :- rule(e, I), active(I, g). class(I, x) :- rule(d, I), \\+ ab(d, I).').
refused(out_of_order, 'ab(e, I) :- rule(q, I), active(I, g). ab(d, I) :- rule(e, I), \\+ ab(e, I). derived(I, f) :- rule(d, I), \\+ ab(d, I).',
        'ab(e, I) :- rule(q, I), active(I, a). ab(d, I) :- rule(e, I), \\+ ab(e, I). derived(I, f) :- rule(d, I), \\+ ab(d, I).').
refused(duplicate_declaration, 'default_class(y).', 'policy(ordered).').
refused(mixed_policy, 'points(I, x, 1) :- rule(r, I), active(I, a).',
        'class(I, x) :- rule(r, I), active(I, a).').
refused(mixed_policy, 'base_points(x, 1).', 'policy(exclusive).').

test('an error is found in its line, and its nearest neighbour has none',
     forall(refused(Code, Rules, Accepted))) :-
    rules(Rules, Issues),
    memberchk(error:Code:'rules.pl':3, Issues),
    rules(Accepted, Fine),
    \+ member(error:_:_:_, Fine).

%   The same of programs by points.

points(Rules, Issues) :-
    atomic_list_concat(['class_order([x, y]).\npolicy(points).\n', Rules], Text),
    issues(['rules.pl'=Text], Issues).

refused_points(mixed_policy, 'class(I, x) :- rule(r, I), active(I, a).',
               'points(I, x, 1) :- rule(r, I), active(I, a).').
refused_points(mixed_policy, 'default_class(x).', 'base_points(x, 1).').
refused_points(unknown_class, 'points(I, z, 1) :- rule(r, I), active(I, a).',
               'points(I, y, 1) :- rule(r, I), active(I, a).').
refused_points(unknown_class, 'base_points(z, 1).', 'base_points(y, 1).').
refused_points(bad_points, 'points(I, x, 1.5) :- rule(r, I), active(I, a).',
               'points(I, x, -1) :- rule(r, I), active(I, a).').
refused_points(bad_points, 'points(I, x, N) :- rule(r, I), active(I, a).',
               'points(I, x, 0) :- rule(r, I), active(I, a).').
refused_points(bad_points, 'points(I, x, 1000001) :- rule(r, I), active(I, a).',
               'points(I, x, 1000000) :- rule(r, I), active(I, a).').
refused_points(bad_points, 'base_points(x, -1000001).', 'base_points(x, -1000000).').
refused_points(bad_points, 'base_points(x, many).', 'base_points(x, 3).').
refused_points(unknown_clause, 'base_points(X, 1).', 'base_points(x, 1).').
refused_points(unknown_clause, 'points(img, x, 1) :- rule(r, img).',
               'points(I, x, 1) :- rule(r, I).').
refused_points(missing_rule, 'points(I, x, 1) :- active(I, a).',
               'points(I, x, 1) :- rule(r, I), active(I, a).').
refused_points(missing_rule, 'points(I, x, 1).', 'points(I, x, 1) :- rule(r, I).').
refused_points(unknown_literal, 'points(I, x, 1) :- rule(r, I), points(I, y, 1).',
               'points(I, x, 1) :- rule(r, I), \\+ ab(r, I).').
refused_points(duplicate_declaration, 'base_points(x, 1). base_points(x, 2).',
               'base_points(x, 1). base_points(y, 2).').

test('programs by points are checked as closely',
     forall(refused_points(Code, Refused, Accepted))) :-
    points(Refused, Issues),
    memberchk(error:Code:'rules.pl':3, Issues),
    points(Accepted, Fine),
    \+ member(error:_:_:_, Fine).
test('points stand in the column that is shown', Column == 14) :-
    with_revision(['rules.pl'='policy(points).
points(I, x, 1r2) :- rule(r, I), active(I, a).'],
                  bad_points_column(Column)).

bad_points_column(Column, Directory) :-
    check_directory(Directory, _, Issues),
    memberchk(issue(error, bad_points, _, 2, Column, _), Issues).

test('many points without their policy are one error',
     Issues == [error:mixed_policy:'rules.pl':1]) :-
    issues(['rules.pl'='points(I, x, 1) :- rule(r1, I), active(I, a).
points(I, y, 1) :- rule(r2, I), active(I, b).'], Issues0),
    include([error:_:_:_]>>true, Issues0, Issues).
test('a class that its rival outscores on every image is told',
     Messages == ["y never wins: it scores 3 at most, and x 3 at least"]) :-
    with_revision(['rules.pl'='class_order([x, y]). policy(points). base_points(x, 4).
points(I, x, -1) :- rule(r1, I), active(I, a).
points(I, y, 3) :- rule(r2, I), active(I, b).
points(I, y, 9) :- rule(r3, I), active(I, b), \\+ active(I, b).'],
                  messages(outscored_class, Messages)).
test('a class that may draw level and comes first is not', Messages == []) :-
    with_revision(['rules.pl'='class_order([y, x]). policy(points). base_points(x, 4).
points(I, x, -1) :- rule(r1, I), active(I, a).
points(I, y, 3) :- rule(r2, I), active(I, b).'],
                  messages(outscored_class, Messages)).
test('the first two rules of different classes that may hold together are named',
     Messages == ["rule t for y and rule r for x may hold together, and under policy(exclusive) \
the order of the classes then decides; if that is not meant, let a literal tell them apart, or \
write policy(ordered)"]) :-
    with_revision(['rules.pl'='class_order([x, y]). policy(exclusive).
class(I, x) :- rule(r, I), active(I, a).
class(I, y) :- rule(s, I), \\+ active(I, a), active(I, b).
class(I, y) :- rule(t, I), active(I, b).
class(I, x) :- rule(u, I), \\+ active(I, a), \\+ active(I, b).'],
                  messages(compatible_classes, Messages)).
test('lines with one body and one class add up, so that none is subsumed', Issues == []) :-
    points('points(I, x, 1) :- rule(r1, I), active(I, a).
points(I, x, 1) :- rule(r2, I), active(I, a).
points(I, y, 1) :- rule(r3, I), active(I, b).', Issues).
test('a line of points that its exception always takes away is dead',
     Issues == [warning:dead_rule:'rules.pl':3]) :-
    points('points(I, x, 1) :- rule(r1, I), active(I, a), \\+ ab(r1, I).
ab(r1, I) :- rule(r1_1, I), active(I, a).
points(I, y, 1) :- rule(r3, I), active(I, b).', Issues).

test('two clauses may not bear one id',
     Issues == [error:duplicate_rule:'rules.pl':4]) :-
    rules('class(I, x) :- rule(r, I), active(I, a).
class(I, x) :- rule(r, I), active(I, b).', Issues).
test('a cycle through two exceptions is told once with its way',
     Message == "this depends on its own negation: ab(r) → ab(q) → ab(r)") :-
    with_revision(['rules.pl'='class_order([x]). default_class(x).
class(I, x) :- rule(r, I), active(I, a), \\+ ab(r, I).
ab(r, I) :- rule(q, I), active(I, b), \\+ ab(q, I).
ab(q, I) :- rule(s, I), active(I, c), \\+ ab(r, I).'],
                  messages(negative_cycle, [Message])).
test('a way round is one error, and not one of order besides',
     forall(member(Rules-Codes,
                   [ 'derived(I, f) :- rule(r, I), active(I, f).'-[positive_cycle:3],
                     'derived(I, f) :- rule(r, I), \\+ ab(r, I).
ab(r, I) :- rule(s, I), active(I, f).'-[negative_cycle:3],
                     'derived(I, h) :- rule(r, I), active(I, h).'-[positive_cycle:3]
                   ]))) :-
    rules(Rules, Issues),
    findall(Code:Line, member(error:Code:_:Line, Issues), Codes).
test('a way round that goes up the layers is told where it goes up',
     Codes == [out_of_order:4]) :-
    rules('derived(I, f) :- rule(r, I), active(I, a).
derived(I, a) :- rule(s, I), \\+ active(I, f).', Issues),
    findall(Code:Line, member(error:Code:_:Line, Issues), Codes).
test('each clause that is out of order is told, and a way round elsewhere',
     Codes == [positive_cycle:3, out_of_order:4, out_of_order:5]) :-
    rules('derived(I, f) :- rule(r, I), active(I, f).
derived(I, a) :- rule(s, I), active(I, g).
derived(I, b) :- rule(t, I), active(I, a).', Issues),
    findall(Code:Line, member(error:Code:_:Line, Issues), Codes).
test('what is out of order is told with both layers and those that stand below',
     Found == 2:43-"g of layer high is derived from f of high, which does not stand below it; layers are declared from the input up, and a derived/2 clause reads propositions of those below its own, here low") :-
    with_revision(['rules.pl'='class_order([x]). default_class(x).
derived(I, g) :- rule(r, I), \\+ active(I, f).'],
                  out_of_order(Found)).
test('nothing stands below the layer that is declared first',
     Found == 2:40-"a of layer low is derived from f of high, which does not stand below it; layers are declared from the input up, and a derived/2 clause reads propositions of those below its own: there are none below low, so remove the clause") :-
    with_revision(['rules.pl'='class_order([x]). default_class(x).
derived(I, a) :- rule(r, I), active(I, f).'],
                  out_of_order(Found)).
test('the order is that of the declarations', Code-Line == out_of_order-1) :-
    with_revision(['quantiser.pl'='layer(high, \'features.3\', conv, 8).
layer(low, \'features.0\', conv, 8).
proposition(a, channel(low, 0, l1), 0.5).
proposition(f, channel(high, 0, l1), 0.5).
',
                   'rules.pl'='derived(I, f) :- rule(r, I), active(I, a).'],
                  first_error(Code-Line)).
test('exceptions of exceptions are no cycle', Issues == []) :-
    rules('class(I, x) :- rule(r, I), active(I, a), \\+ ab(r, I).
ab(r, I) :- rule(q, I), active(I, b), \\+ ab(q, I).
ab(q, I) :- rule(s, I), active(I, c).', Issues).
test('columns point at the proposition', Column == 41) :-
    with_revision(['rules.pl'='class(I, x) :- rule(r, I), \\+ active(I, nope).'],
                  columns(Column)).

messages(Code, Messages, Directory) :-
    check_directory(Directory, _, Issues),
    findall(Message, member(issue(_, Code, _, _, _, Message), Issues), Messages).

out_of_order(Line:Column-Message, Directory) :-
    check_directory(Directory, _, Issues),
    memberchk(issue(error, out_of_order, 'rules.pl', Line, Column, Message), Issues).

first_error(Code-Line, Directory) :-
    check_directory(Directory, _, [issue(error, Code, _, Line, _, _)|_]).

columns(Column, Directory) :-
    check_directory(Directory, _, Issues),
    memberchk(issue(_, undeclared_proposition, _, 1, Column, _), Issues).

%   The quantiser.

quantiser_issue(bad_threshold, 'proposition(p, channel(l, 0, l1), none).',
                'proposition(p, channel(l, 0, l1), 1).').
quantiser_issue(bad_threshold, 'proposition(p, channel(l, 0, l1), 1.0e39).',
                'proposition(p, channel(l, 0, l1), 1.0e38).').
quantiser_issue(bad_threshold, 'proposition(p, channel(l, 0, l1), high).',
                'proposition(p, channel(l, 0, l1), -0.5).').
quantiser_issue(bad_threshold, 'proposition(p, derived(l), 0.5).',
                'proposition(p, derived(l), none).').
quantiser_issue(bad_index, 'proposition(p, channel(l, 4, l1), 0.5).',
                'proposition(p, channel(l, 3, l1), 0.5).').
quantiser_issue(bad_index, 'proposition(p, unit(l, 3), 0.5).',
                'proposition(p, unit(m, 3), 0.5).').
quantiser_issue(undeclared_layer, 'proposition(p, channel(k, 0, l1), 0.5).',
                'proposition(p, channel(l, 0, l1), 0.5).').
quantiser_issue(undeclared_layer, 'reads(k, \'features.1\').', 'reads(l, \'features.1\').').
quantiser_issue(unknown_clause, 'proposition(p, channel(l, 0, l3), 0.5).',
                'proposition(p, channel(l, 0, l2), 0.5).').
quantiser_issue(unknown_clause, 'proposition(p, cell(l, 0, max, grid(2,2), at(2,0)), 0.5).',
                'proposition(p, cell(l, 0, max, grid(2,2), at(1,0)), 0.5).').
quantiser_issue(unknown_clause, 'layer(n, \'features.3\', convolution, 4).',
                'layer(n, \'features.3\', map, 4).').
quantiser_issue(duplicate_declaration, 'layer(l, \'features.3\', conv, 4).',
                'layer(k, \'features.3\', conv, 4).').

test('the quantiser is checked as closely',
     forall(quantiser_issue(Code, Refused, Accepted))) :-
    with_quantiser(Refused, Issues),
    memberchk(error:Code:'quantiser.pl':3, Issues),
    with_quantiser(Accepted, Fine),
    \+ member(error:_:_:_, Fine).

with_quantiser(Line, Issues) :-
    atomic_list_concat([ 'layer(l, \'features.0\', conv, 4).\n',
                         'layer(m, classifier, linear, 4).\n', Line
                       ], Text),
    issues(['quantiser.pl'=Text, 'rules.pl'='default_class(x).'], Issues).

test('a revision needs its two files',
     Codes == [missing_file:'quantiser.pl', missing_file:'rules.pl']) :-
    tmp_file(empty, Directory),
    make_directory(Directory),
    check_directory(Directory, _, Issues),
    delete_directory(Directory),
    findall(Code:File, member(issue(_, Code, File, 0, 0, _), Issues), Codes).
test('labels are of declared propositions',
     Issues == [error:undeclared_proposition:'labels.pl':2]) :-
    issues([ 'rules.pl'='default_class(x).',
             'labels.pl'='label(a, wall, hand(ada)).\nlabel(z, floor, hand(ada)).\n'
           ], Issues).
test('errors stand before warnings, each by place',
     Issues == [ error:undeclared_proposition:'rules.pl':2,
                 error:unknown_literal:'rules.pl':3,
                 warning:unreachable_class:'rules.pl':1
               ]) :-
    issues(['rules.pl'='class_order([x, y]). default_class(x).
class(I, x) :- rule(r, I), active(I, nope).
class(I, x) :- rule(s, I), foo(I).
'], Issues).

:- end_tests(check).

:- begin_tests(suspicions).

suspicions(Rules, Found) :-
    suspicions('exclusive', Rules, Found).

suspicions(Policy, Rules, Found) :-
    atomic_list_concat([ 'policy(', Policy, '). class_order([x, y]). default_class(y).\n',
                         Rules
                       ], Text),
    with_revision(['rules.pl'=Text], suspected(Found)).

suspected(Found, Directory) :-
    check_directory(Directory, _, Issues),
    \+ memberchk(issue(error, _, _, _, _, _), Issues),
    findall(Code:Line, member(issue(warning, Code, _, Line, _, _), Issues), Found).

test('a body with a literal and its negation never holds',
     Found == [unreachable_class:1, contradictory_body:2]) :-
    suspicions('class(I, x) :- rule(r, I), active(I, a), \\+ active(I, a).', Found).
test('above .75 but not above .5 never holds',
     Found == [unreachable_class:1, contradictory_body:2]) :-
    suspicions('class(I, x) :- rule(r, I), active(I, e_high), \\+ active(I, e).', Found).
test('above .5 but not above .75 may hold', Found == []) :-
    suspicions('class(I, x) :- rule(r, I), active(I, e), \\+ active(I, e_high).', Found).
test('thresholds say nothing of what rules may derive', Found == []) :-
    quantiser(Quantiser),
    string_concat(Quantiser, "proposition(f_high, channel(high, 0, l1), 0.75).\n", More),
    with_revision(['quantiser.pl'=More, 'rules.pl'='class_order([x, y]). default_class(y).
class(I, x) :- rule(r, I), active(I, f_high), \\+ active(I, f).
derived(I, f) :- rule(d, I), active(I, a).'],
                  suspected(Found)).
test('a count that the rest forbids never holds',
     Found == [unreachable_class:1, contradictory_body:2]) :-
    suspicions('class(I, x) :- rule(r, I), active(I, a), at_least(2, [\\+ active(I, a), active(I, b), \\+ active(I, b)]).',
               Found).
test('a count that the rest allows may hold', Found == []) :-
    suspicions('class(I, x) :- rule(r, I), active(I, a), at_least(2, [active(I, a), active(I, b), \\+ active(I, b)]).',
               Found).
test('a rule whose body says more than another is not needed',
     Found == [subsumed_rule:3]) :-
    suspicions('class(I, x) :- rule(r, I), active(I, a).
class(I, x) :- rule(s, I), active(I, a), active(I, b).', Found).
test('so is the earlier of the two', Found == [subsumed_rule:2]) :-
    suspicions('class(I, x) :- rule(s, I), active(I, a), active(I, b).
class(I, x) :- rule(r, I), active(I, a).', Found).
test('of two alike the later is not needed', Found == [subsumed_rule:3]) :-
    suspicions('class(I, x) :- rule(s, I), active(I, b), active(I, a).
class(I, x) :- rule(r, I), active(I, a), active(I, b).', Found).
test('a lower threshold says less', Found == [subsumed_rule:3]) :-
    suspicions('class(I, x) :- rule(s, I), active(I, e).
class(I, x) :- rule(r, I), active(I, e_high).', Found).
test('a count is less than its literals', Found == [subsumed_rule:3]) :-
    suspicions('class(I, x) :- rule(s, I), at_least(1, [active(I, a), active(I, b)]).
class(I, x) :- rule(r, I), active(I, b), active(I, c).', Found).
test('exceptions tell rules apart', Found == []) :-
    suspicions('class(I, x) :- rule(s, I), active(I, a), \\+ ab(s, I).
class(I, x) :- rule(r, I), active(I, a), active(I, b).
ab(s, I) :- rule(t, I), active(I, b).', Found).
test('rules of other classes shadow nothing under exclusive, but may hold together',
     Found == [compatible_classes:3]) :-
    suspicions('class(I, y) :- rule(s, I), active(I, a).
class(I, x) :- rule(r, I), active(I, a), active(I, b).', Found).
test('rules that a sign or thresholds of one feature tell apart exclude each other',
     Found == []) :-
    suspicions('class(I, x) :- rule(r, I), active(I, a), active(I, e_high).
class(I, y) :- rule(s, I), \\+ active(I, a).
class(I, y) :- rule(t, I), \\+ active(I, e).
class(I, y) :- rule(u, I), active(I, b), \\+ active(I, b).', Found0),
    subtract(Found0, [contradictory_body:5], Found).
test('bodies with counts or exceptions are passed over, whatever they exclude', Found == []) :-
    suspicions('class(I, x) :- rule(r, I), active(I, b), \\+ ab(r, I).
ab(r, I) :- rule(s, I), \\+ active(I, a).
class(I, y) :- rule(t, I), at_least(1, [active(I, b), active(I, c)]).', Found).
test('only exclusive promises that rules of two classes exclude each other', Found == []) :-
    suspicions('ordered', 'class(I, x) :- rule(r, I), active(I, a).
class(I, y) :- rule(s, I), active(I, b).', Found).
test('an earlier rule of another class shadows under ordered',
     Found == [unreachable_class:1, dead_rule:3]) :-
    suspicions('ordered', 'class(I, y) :- rule(s, I), active(I, a).
class(I, x) :- rule(r, I), active(I, a), active(I, b).', Found).
test('a later rule shadows nothing under ordered', Found == []) :-
    suspicions('ordered', 'class(I, x) :- rule(r, I), active(I, a), active(I, b).
class(I, y) :- rule(s, I), active(I, a).', Found).
test('a narrower rule that is tried first is needed under ordered', Found == []) :-
    suspicions('ordered', 'class(I, x) :- rule(r, I), active(I, a), active(I, b).
class(I, y) :- rule(s, I), active(I, b).
class(I, x) :- rule(t, I), active(I, a).', Found).
test('a narrower rule of more confidence is needed under confidence', Found == []) :-
    suspicions('confidence', 'class(I, x) :- rule(r, I), active(I, a).
class(I, x) :- rule(s, I), active(I, a), active(I, b).
rule_stats(s, [confidence(0.9)]).', Found).
test('a narrower rule of less confidence is not', Found == [subsumed_rule:3]) :-
    suspicions('confidence', 'class(I, x) :- rule(r, I), active(I, a).
class(I, x) :- rule(s, I), active(I, a), active(I, b).
rule_stats(r, [confidence(0.9)]).', Found).
test('a rule whose exception always applies never fires',
     Found == [unreachable_class:1, dead_rule:2]) :-
    suspicions('class(I, x) :- rule(r, I), active(I, a), active(I, b), \\+ ab(r, I).
ab(r, I) :- rule(s, I), active(I, a).', Found).
test('statistics of no rule are suspicious', Found == [unknown_rule:2]) :-
    suspicions('rule_stats(q, [support(3)]).
class(I, x) :- rule(r, I), active(I, a).', Found).
test('but those of a rule that is constantly false', Found == []) :-
    suspicions('rule_stats(q, [constant(false), support(3)]).
class(I, x) :- rule(r, I), active(I, a).', Found).
test('a class without rules that is not the default cannot be reached',
     Found == [unreachable_class:1]) :-
    suspicions('class(I, y) :- rule(r, I), active(I, a).', Found).

%   The slow twin: by trying every image, a rule that check calls dead or
%   contradictory decides none, and one that it calls subsumed changes no
%   decision when it is left out.  See test_agreement.pl.

:- end_tests(suspicions).
