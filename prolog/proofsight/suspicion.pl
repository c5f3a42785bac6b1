:- module(proofsight_suspicion,
          [ suspicion/5                 % -Code, +Program, -File, -Offset, -Slots
          ]).
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [append/2, append/3, member/2, nth1/3, subtract/3]).
:- use_module(overlap, [bodies/2, compatible/4, contradictory/2, shadow_index/2, shadowed/4]).
:- use_module(program,
              [ bases/2, classes/2, declared/3, head_class/2, part/3, policy/2,
                priority/2
              ]).

/** <module> What is allowed, but hardly meant
*/

%!  suspicion(-Code, +Program, -File, -Offset, -Slots) is nondet.
%
%   A warning of that Code, with the Slots of its message.

suspicion(unknown_rule, Program, 'rules.pl', Offset, [rule=Rule]) :-
    part(stats, Program, Stats),
    member(stats(Rule, Pairs, Offset), Stats),
    \+ declared(rule, Program, Rule),
    \+ memberchk(constant-false, Pairs).
suspicion(Code, Program, 'rules.pl', Offset, Slots) :-
    bodies(Program, Bodies),
    findall(found(Code0, N, Slots0), futile(Code0, Program, Bodies, N, Slots0), All),
    part(rule, Program, Rules),
    (   sort(2, @<, All, Unique),       % one finding per rule
        member(found(Code, N, Slots), Unique),
        nth1(N, Rules, rule(_, _, _, _, Offset))
    ;   policy(Program, Policy),
        Policy == points
    ->  Code = outscored_class,
        bounds(Program, All, Bounds),
        outscored(Bounds, Class, Slots),
        class_offset(Program, Class, Offset)
    ;   \+ memberchk(rule(_, points(_, _), _, _, _), Rules),
        Code = unreachable_class,
        unreachable(Program, Bodies, All, Class),
        class_offset(Program, Class, Offset),
        Slots = [name=Class]
    ).

suspicion(compatible_classes, Program, 'rules.pl', Offset, Slots) :-
    policy(Program, Policy),
    Policy == exclusive,
    part(rule, Program, Rules),
    length(Rules, Count),
    Count =< 1_000,                     % all pairs of them are looked at
    bodies(Program, Bodies),
    compatible(Program, Bodies, body(_, By, class(First), _, _), body(N, Id, class(Class), _, _)),
    Slots = [rule=Id, name=Class, by=By, other=First],
    nth1(N, Rules, rule(_, _, _, _, Offset)).

%   A body that cannot hold, a rule that cannot decide, a rule that adds
%   nothing; the first that is true of a rule.

futile(contradictory_body, _, Bodies, N, [rule=Id, why=Why]) :-
    member(Body, Bodies),
    Body = body(N, Id, _, _, _),
    contradictory(Body, Term),
    format(string(Why), '~q', [Term]).
futile(Code, Program, Bodies, N, [rule=Id, by=By]) :-
    policy(Program, Policy),
    priority(Program, Priority),
    findall(Rule-Rank, nth1(Rank, Priority, Rule-_), Ranks0),
    ranked(Ranks0, Ranks),
    findall(Group-Body, ( member(Body, Bodies), group(Body, Policy, Group) ), Grouped),
    shadow_index(Grouped, Index),
    member(Narrower, Bodies),
    Narrower = body(N, Id, _, _, _),
    once(( compared(Narrower, Policy, Group1),
           shadowed(Index, Group1, Narrower, Wider),
           needless(Policy, Ranks, Bodies, Narrower, Wider, Code)
         )),
    Wider = body(_, By, _, _, _).

%   Only within a group does what a body says bear on another: under a policy
%   that ranks them, rules for classes are in one; points add up.

group(body(_, _, Head, _, _), Policy, Group) :-
    (   Head = class(_),
        Policy \== exclusive
    ->  Group = class
    ;   Head \= points(_, _),
        Group = Head
    ).

%   A rule is also compared with its exceptions.

compared(Body, Policy, Group) :-
    group(Body, Policy, Group).
compared(body(_, Id, _, Conditions, _), _, ab(Id)) :-
    memberchk(unless(Id), Conditions).

needless(Policy, Ranks, Bodies, Narrower, Wider, Code) :-
    Narrower = body(N, Id, Head, Conditions, _),
    Wider = body(M, By, WiderHead, _, _),
    (   WiderHead = ab(Id),
        memberchk(unless(Id), Conditions)
    ->  Code = dead_rule
    ;   Policy \== exclusive,
        Head = class(_)
    ->  get_assoc(By, Ranks, First),
        get_assoc(Id, Ranks, Second),
        First < Second,                 % Wider is tried first
        (   WiderHead == Head
        ->  Code = subsumed_rule
        ;   Code = dead_rule
        )
    ;   M < N
    ->  Code = subsumed_rule
    ;   \+ same_conditions(Bodies, M, N),
        Code = subsumed_rule
    ).

ranked(Pairs, Assoc) :-
    sort(1, @<, Pairs, Unique),
    list_to_assoc(Unique, Assoc).

same_conditions(Bodies, M, N) :-
    memberchk(body(M, _, _, Conditions, _), Bodies),
    memberchk(body(N, _, _, Conditions, _), Bodies).

unreachable(Program, Bodies, Futile, Class) :-
    classes(Program, Classes),
    findall(Alive,
            ( member(body(N, _, class(Alive), _, _), Bodies),
              \+ ( member(found(Code, N, _), Futile),
                   memberchk(Code, [contradictory_body, dead_rule])
                 )
            ),
            Reached),
    part(default_class, Program, Defaults),
    findall(Default, member(default_class(Default, _), Defaults), Known),
    append([Known, Reached], Reachable),
    subtract(Classes, Reachable, Unreached),
    member(Class, Unreached).

%   Bounds are Class-bound(Least, Most): what a class may score at all.

bounds(Program, Futile, Bounds) :-
    bases(Program, Bases),
    findall(Class-Points,
            ( part(rule, Program, Rules),
              nth1(N, Rules, rule(_, points(Class, Points), _, _, _)),
              \+ memberchk(found(contradictory_body, N, _), Futile)
            ),
            Lines),
    findall(Class-bound(Least, Most),
            ( member(Class-Base, Bases),
              aggregate_all(sum(min(P, 0)), member(Class-P, Lines), Below),
              aggregate_all(sum(max(P, 0)), member(Class-P, Lines), Above),
              Least is Base + Below,
              Most is Base + Above
            ),
            Bounds).

outscored(Bounds, Class, [name=Class, most=Most, by=By, least=Least]) :-
    append(Before, [Class-bound(_, Most)|After], Bounds),
    once((   member(By-bound(Least, _), Before),
             Least >= Most
         ;   member(By-bound(Least, _), After),
             Least > Most
         )).

class_offset(Program, Class, Offset) :-
    part(class_order, Program, Orders),
    part(rule, Program, Rules),
    (   Orders = [class_order(_, Offset0)|_]
    ->  Offset = Offset0
    ;   member(rule(_, Head, _, _, Offset0), Rules),
        head_class(Head, Class)
    ->  Offset = Offset0
    ;   Offset = none
    ).
