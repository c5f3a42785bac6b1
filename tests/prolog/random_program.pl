:- module(random_program,
          [ random_program/2,           % +Size, -Program
            random_points/2,            % +Size, -Program
            program_text/2,             % +Program, -Text
            random_facts/2,             % +Program, -Facts
            twin_decision/3,            % +Program, +Facts, -Decision
            twin_active/3,              % +Program, +Facts, ?Proposition
            twin_class/3,               % +Program, +Facts, -Class
            twin_score/4                % +Program, +Facts, +Class, -Points
          ]).
:- use_module(library(lists),
              [append/2, append/3, max_member/2, member/2, nth0/3, nth1/3, sum_list/2]).
:- use_module(library(random), [random_between/3, random_member/2, random/1]).

/** <module> Random programs, and their meaning from the definition

A program is program(Policy, Default, Rules, Confidences) over the
quantiser of written_revision.pl; a rule is rule(Id, Head, Body) with
literals p(P), n(P), unless(R) and least(M, Literals).  The twin follows
the docstring of `Program` in server/proofsight_server/rules/program.py
and the architecture, one literal at a time, without any memory.  Under the
policy `points`, Default is none and Confidences are the bases.
*/

low([a, b, c, d, e, e_high]).
high([f, g]).

random_program(Size, program(Policy, Default, Rules, Confidences)) :-
    random_member(Policy, [exclusive, ordered, confidence]),
    random_member(Default, [none, x, y, z]),
    findall(rule(Id, class(Class), Body),
            ( between(1, Size, N),
              atom_concat(r, N, Id),
              random_member(Class, [x, y, z]),
              class_body(Id, Body)
            ),
            ClassRules),
    findall(rule(Id, derived(P), Body),
            ( member(P-K, [f-1, f-2, g-1, h-1, h-2]),
              ( P == h, K == 1 -> true ; random_between(0, 2, Keep), Keep > 0 ),
              atomic_list_concat([d, P, K], '_', Id),
              low(Low),
              body(Low, Body)
            ),
            DerivedRules),
    findall(Exception, exception(ClassRules, Exception), Exceptions),
    append(ClassRules, Exceptions, Some),
    append(Some, DerivedRules, Rules),
    findall(Id-Confidence,
            ( member(rule(Id, class(_), _), ClassRules),
              random_between(0, 3, K),
              K > 0,
              Confidence is K / 4.0
            ),
            Confidences).

random_points(Size, program(points, none, Rules, Bases)) :-
    findall(rule(Id, points(Class, Points), Body),
            ( between(1, Size, N),
              atom_concat(p, N, Id),
              random_member(Class, [x, y, z]),
              random_between(-3, 4, Points),
              line_body(Id, Body)
            ),
            Lines),
    random_program(1, program(_, _, Others, _)),
    findall(Rule, ( member(Rule, Others), Rule = rule(_, derived(_), _) ), Derived),
    findall(Exception, exception(Lines, Exception), Exceptions),
    append([Lines, Exceptions, Derived], Rules),
    findall(Class-Base, ( member(Class, [x, y]), random_between(-2, 2, Base) ), Bases).

%   Most lines have one literal, as learned ones have.

line_body(Id, Body) :-
    random_between(0, 3, K),
    (   K =:= 0
    ->  class_body(Id, Body)
    ;   low(Low),
        append(Low, [f, g, h], All),
        literal(All, Literal),
        Body = [Literal]
    ).

class_body(Id, Body) :-
    low(Low),
    append(Low, [f, g, h], All),
    body(All, Body0),
    random_between(0, 2, K),
    (   K =:= 0
    ->  append(Body0, [unless(Id)], Body)
    ;   Body = Body0
    ).

body(From, Body) :-
    random_between(1, 3, N),
    findall(Literal, ( between(1, N, _), literal(From, Literal) ), Literals),
    random_between(0, 3, K),
    (   K =:= 0
    ->  random_between(1, 4, Total),
        random_between(1, Total, M),
        findall(L, ( between(1, Total, _), literal(From, L) ), Ls),
        append(Literals, [least(M, Ls)], Body)
    ;   Body = Literals
    ).

literal(From, Literal) :-
    random_member(P, From),
    random_member(Literal, [p(P), n(P)]).

%   Exceptions of class rules, and exceptions of those.

exception(ClassRules, Exception) :-
    member(rule(Id, _, Body), ClassRules),
    memberchk(unless(Id), Body),
    random_between(0, 2, Count),
    between(1, Count, K),
    atomic_list_concat([Id, K], '_', ExceptionId),
    class_body(ExceptionId, ExceptionBody),
    (   Exception = rule(ExceptionId, ab(Id), ExceptionBody)
    ;   memberchk(unless(ExceptionId), ExceptionBody),
        low(Low),
        body(Low, Beneath),
        atom_concat(ExceptionId, '_1', BeneathId),
        Exception = rule(BeneathId, ab(ExceptionId), Beneath)
    ).

%   Text.

program_text(program(Policy, Default, Rules, Confidences), Text) :-
    findall(Line, rule_line(Rules, Line), RuleLines),
    findall(Line,
            ( member(Id-C, Confidences),
              (   Policy == points
              ->  format(atom(Line), 'base_points(~q, ~w).~n', [Id, C])
              ;   format(atom(Line), 'rule_stats(~q, [confidence(~w)]).~n', [Id, C])
              )
            ),
            StatLines),
    (   Default == none
    ->  DefaultLine = ''
    ;   format(atom(DefaultLine), 'default_class(~q).~n', [Default])
    ),
    format(atom(PolicyLine), 'policy(~q).~nclass_order([y, x, z]).~n', [Policy]),
    append(RuleLines, StatLines, Lines),
    atomic_list_concat([PolicyLine, DefaultLine|Lines], Text).

rule_line(Rules, Line) :-
    member(rule(Id, Head, Body), Rules),
    head_term(Head, I, HeadTerm),
    findall(I-Goal, ( member(Element, Body), goal(Element, I, Goal) ), Pairs),
    findall(Goal, member(_-Goal, Pairs), Goals0),
    term_variables(Goals0, _),
    conjunction([rule(Id, I)|Goals0], Conjunction),
    copy_term((HeadTerm :- Conjunction), Clause),
    term_variables(Clause, Variables),
    same(Variables),
    numbervars(Clause, 8, _),
    format(atom(Line), '~W.~n', [Clause, [quoted(true), numbervars(true)]]).

same([V|Vs]) :-
    forall(member(_, Vs), true),
    all_equal(Vs, V).

all_equal([], _).
all_equal([V|Vs], V) :-
    all_equal(Vs, V).

head_term(class(C), I, class(I, C)).
head_term(points(C, N), I, points(I, C, N)).
head_term(ab(R), I, ab(R, I)).
head_term(derived(P), I, derived(I, P)).

goal(p(P), I, active(I, P)).
goal(n(P), I, \+ active(I, P)).
goal(unless(R), I, \+ ab(R, I)).
goal(least(M, Ls), I, at_least(M, Goals)) :-
    findall(Goal, ( member(L, Ls), goal(L, _, Goal) ), Goals),
    term_variables(Goals, Variables),
    all_equal(Variables, I).

conjunction([G], G) :- !.
conjunction([G|Gs], (G, C)) :-
    conjunction(Gs, C).

%   Facts: one value per observable proposition; e and e_high share theirs;
%   the layer `high` is observed or not.

random_facts(_, facts(img, Values, [x-0.5])) :-
    findall(V, ( between(1, 5, _), random_member(V, [0.25, 0.5, 0.625, 0.75, 1.0]) ), Low),
    nth1(5, Low, E),
    random_between(0, 1, Observed),
    (   Observed =:= 1
    ->  findall(V, ( between(1, 2, _), random_member(V, [0.25, 0.5, 0.75]) ), High)
    ;   High = [none, none]
    ),
    append(Low, [E|High], All),
    Values =.. [values|All].

%   Meaning.

twin_active(Program, facts(_, Values, _), P) :-
    Values =.. [_|List],
    ( nonvar(P) -> true ; member(P, [a, b, c, d, e, e_high, f, g, h]) ),
    (   nth0(Index, [a, b, c, d, e, e_high, f, g], P),
        nth0(Index, List, Value),
        number(Value)
    ->  ( P == e_high -> Value > 0.75 ; Value > 0.5 )
    ;   Program = program(_, _, Rules, _),
        fires(Program, facts(_, Values, _), Rules, derived(P), _)
    ).

fires(Program, Facts, Rules, Head, Id) :-
    member(rule(Id, Head, Body), Rules),
    \+ ( member(Element, Body), \+ holds(Element, Program, Facts) ).

holds(p(P), Program, Facts) :-
    \+ \+ twin_active(Program, Facts, P).
holds(n(P), Program, Facts) :-
    \+ twin_active(Program, Facts, P).
holds(unless(R), Program, Facts) :-
    Program = program(_, _, Rules, _),
    \+ fires(Program, Facts, Rules, ab(R), _).
holds(least(M, Ls), Program, Facts) :-
    findall(L, ( member(L, Ls), holds(L, Program, Facts) ), Held),
    length(Held, N),
    N >= M.

twin_class(Program, Facts, Class) :-
    Program = program(_, _, Rules, _),
    fires(Program, Facts, Rules, class(Class), _).

%   Decision is Class-Rule, Class-default, Class-points or none.

twin_decision(Program, Facts, Decision) :-
    Program = program(points, _, _, _),
    !,
    findall(Class-Points,
            ( member(Class, [y, x, z]),
              twin_score(Program, Facts, Class, Points)
            ),
            Scores),
    findall(Points, member(_-Points, Scores), All),
    max_member(Most, All),
    memberchk(Class-Most, Scores),
    Decision = Class-points.
twin_decision(Program, Facts, Decision) :-
    Program = program(Policy, Default, Rules, Confidences),
    findall(Class-Id, fires(Program, Facts, Rules, class(Class), Id), Firing),
    (   Firing = [First|_]
    ->  twin_policy(Policy, Firing, First, Confidences, Decision)
    ;   Default == none
    ->  Decision = none
    ;   Decision = Default-default
    ).

twin_score(Program, Facts, Class, Points) :-
    Program = program(_, _, Rules, Bases),
    findall(Some, fires(Program, Facts, Rules, points(Class, Some), _), Gained),
    (   memberchk(Class-Base, Bases)
    ->  true
    ;   Base = 0
    ),
    sum_list([Base|Gained], Points).

twin_policy(ordered, _, First, _, First).
twin_policy(exclusive, Firing, _, _, Decision) :-
    member(Class, [y, x, z]),
    memberchk(Class-Id, Firing),
    !,
    Decision = Class-Id.
twin_policy(confidence, Firing, _, Confidences, Decision) :-
    findall(key(Confidence, Rank, Place)-(Class-Id),
            ( nth1(K, Firing, Class-Id),
              (   memberchk(Id-Confidence, Confidences)
              ->  true
              ;   Confidence = 0.0
              ),
              nth0(R, [y, x, z], Class),
              Rank is -R,
              Place is -K
            ),
            Keyed),
    max_member(_-Decision, Keyed).
