:- module(proofsight_check,
          [ check_directory/3,          % +Directory, -Program, -Issues
            errors/2,                   % +Issues, -Errors
            issue_object/2              % +Issue, -Object
          ]).
:- use_module(library(apply), [include/3, maplist/3]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [append/2, append/3, member/2, nth1/3, subtract/3]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(messages, [nearest/3, text/3]).
:- use_module(overlap, [bodies/2, contradictory/2, shadows/3]).
:- use_module(program,
              [ classes/2, declared/3, part/3, place/4, policy/2, predicates/2,
                priority/2, read_program/3, used/4
              ]).
:- use_module(safety, [reserved/1, safe_goal/3]).
:- use_module(strata, [cycle/3]).

:- det(check_directory/3).
:- det(errors/2).
:- det(issue_object/2).

/** <module> Is it a program?

A revision is checked before anything of it is loaded.
*/

%!  check_directory(+Directory, -Program, -Issues) is det.
%
%   Program is what the files of Directory say.  Issues are
%   issue(Severity, Code, File, Line, Column, Message), errors before
%   warnings, each by file, line and column.

check_directory(Directory, Program, Issues) :-
    read_program(Directory, Program, Unread),
    findall(finding(Severity, Code, File, Offset, Slots),
            (   member(finding(Severity, Code, File, Offset, Slots), Unread)
            ;   problem(Code, Program, File, Offset, Slots),
                Severity = error
            ),
            Errors),
    findall(finding(warning, Code, File, Offset, Slots),
            suspicion(Code, Program, File, Offset, Slots),
            Warnings),
    append([Errors, Warnings], Findings),
    maplist(issue(Program), Findings, Keyed),
    sort(Keyed, Sorted),
    pairs_values(Sorted, Issues).

issue(Program, finding(Severity, Code, File, Offset, Slots), Key-Issue) :-
    place(Program, File, Offset, Line:Column),
    atom_concat('issue.', Code, Name),
    text(Name, Slots, Message),
    Key = key(Severity, File, Line, Column),
    Issue = issue(Severity, Code, File, Line, Column, Message).

%!  errors(+Issues, -Errors) is det.
%
%   Errors are the issues for which a program is refused.

errors(Issues, Errors) :-
    include(is_error, Issues, Errors).

is_error(issue(error, _, _, _, _, _)).

%!  issue_object(+Issue, -Object) is det.
%
%   Object is Issue for json_text/2.

issue_object(issue(Severity, Code, File, Line, Column, Message), Object) :-
    Object = object([ severity-Severity, code-Code, file-File, line-Line,
                      column-Column, message-Message
                    ]).

%   problem(-Code, +Program, -File, -Offset, -Slots): an error.

problem(duplicate_declaration, Program, File, Offset, [clause=Text]) :-
    once_only(Kind, File),
    part(Kind, Program, Items),
    findall(Key-Offset0, ( member(Item, Items), subject(Item, Key, Offset0) ), Pairs),
    repeated(Pairs, Key-Offset),
    format(string(Text), '~q', [Key]).
problem(undeclared_layer, Program, 'quantiser.pl', Offset, Slots) :-
    (   part(proposition, Program, Items),
        member(proposition(_, Feature, _, Offset), Items),
        arg(1, Feature, Layer)
    ;   part(reads, Program, Items),
        member(reads(Layer, _, Offset), Items)
    ),
    \+ declared(layer, Program, Layer),
    layers(Program, Layers),
    nearest(Layer, Layers, Hint),
    Slots = [name=Layer, nearest=Hint].
problem(bad_index, Program, 'quantiser.pl', Offset, Slots) :-
    part(layer, Program, Layers),
    part(proposition, Program, Items),
    member(proposition(Name, Feature, _, Offset), Items),
    functor(Feature, Functor, _),
    arg(1, Feature, Layer),
    memberchk(layer(Layer, _, Kind, Size, _), Layers),
    (   Functor == derived
    ->  fail
    ;   arg(2, Feature, Index),
        Index >= Size
    ;   Functor == unit,
        Kind \== linear
    ),
    Slots = [name=Name, layer=Layer, size=Size, kind=Kind].
problem(undeclared_proposition, Program, File, Offset, Slots) :-
    mentioned(Program, Name, File, Offset),
    \+ declared(proposition, Program, Name),
    undeclared(Program, Name, Slots).
problem(duplicate_rule, Program, 'rules.pl', Offset, [rule=Id]) :-
    part(rule, Program, Rules),
    findall(Id0-Offset0, member(rule(Id0, _, _, _, Offset0), Rules), Pairs),
    repeated(Pairs, Id-Offset).
problem(unknown_rule, Program, 'rules.pl', Offset, [rule=Rule]) :-
    part(rule, Program, Rules),
    member(rule(_, Head, Elements, _, At), Rules),
    (   Head = ab(Rule),
        Offset = At
    ;   member(unless(Rule, Offset), Elements)
    ),
    \+ declared(rule, Program, Rule).
problem(unknown_class, Program, 'rules.pl', Offset, [name=Class, nearest=Hint]) :-
    part(class_order, Program, Orders),
    Orders = [class_order(Classes, _)|_],
    (   part(rule, Program, Rules),
        member(rule(_, class(Class), _, _, Offset), Rules)
    ;   part(default_class, Program, Defaults),
        member(default_class(Class, Offset), Defaults)
    ),
    \+ memberchk(Class, Classes),
    nearest(Class, Classes, Hint).
problem(unknown_policy, Program, 'rules.pl', Offset, [policy=Text]) :-
    part(policy, Program, Policies),
    member(policy(Policy, Offset), Policies),
    \+ memberchk(Policy, [exclusive, ordered, confidence]),
    format(string(Text), '~q', [Policy]).
problem(unobserved, Program, 'rules.pl', Offset, [name=Name]) :-
    part(proposition, Program, Propositions),
    member(proposition(Name, derived(_), _, _), Propositions),
    part(rule, Program, Rules),
    \+ memberchk(rule(_, derived(Name), _, _, _), Rules),
    once(( member(rule(_, _, Elements, _, _), Rules),
           member(Element, Elements),
           used(Element, Name, _, Offset)
         )).
problem(Code, Program, 'rules.pl', Offset, [path=Text]) :-
    findall(Edge, depends(Program, Edge), Edges),
    first_cycles(Edges, _, Cycles),
    member(Sign-path(Offset, Names), Cycles),
    memberchk(Sign-Code, [false-negative_cycle, true-positive_cycle]),
    path_text(Names, Text).
problem(negative_cycle, Program, 'user.pl', Offset, [path=Text]) :-
    findall(Edge, user_depends(Program, Edge), Edges),
    first_cycles(Edges, false, Cycles),
    member(_-path(Offset, Names), Cycles),
    path_text(Names, Text).
problem(reserved_predicate, Program, 'user.pl', Offset, [name=Text]) :-
    part(user, Program, Users),
    member(user(Head, _, _, _, Offset), Users),
    reserved(Head),
    functor(Head, Name, Arity),
    format(string(Text), '~q', [Name/Arity]).
problem(Code, Program, 'user.pl', Offset, Slots) :-
    part(user, Program, Users),
    Users \== [],
    scope(Program, Scope),
    member(user(_, Body, Position, _, _), Users),
    catch(( safe_goal(Body, Position, Scope), fail ),
          refused(Code, Slots, Offset),
          true).

%   Declarations that stand once, and what makes two of them the same.

once_only(layer, 'quantiser.pl').
once_only(reads, 'quantiser.pl').
once_only(proposition, 'quantiser.pl').
once_only(policy, 'rules.pl').
once_only(default_class, 'rules.pl').
once_only(class_order, 'rules.pl').
once_only(stats, 'rules.pl').

subject(layer(Atom, _, _, _, Offset), layer(Atom), Offset).
subject(reads(Layer, _, Offset), reads(Layer), Offset).
subject(proposition(Name, _, _, Offset), proposition(Name), Offset).
subject(policy(_, Offset), policy, Offset).
subject(default_class(_, Offset), default_class, Offset).
subject(class_order(_, Offset), class_order, Offset).
subject(stats(Rule, _, Offset), rule_stats(Rule), Offset).

%   repeated(+Pairs, -Pair): Pair has the key of an earlier one.

repeated(Pairs, Pair) :-
    keysort(Pairs, Sorted),
    append(_, [Key-_|Rest], Sorted),
    Rest = [Pair|_],
    Pair = Key1-_,
    Key1 == Key.

layers(Program, Layers) :-
    part(layer, Program, Items),
    findall(Layer, member(layer(Layer, _, _, _, _), Items), Layers).

propositions(Program, Propositions) :-
    part(proposition, Program, Items),
    findall(Name, member(proposition(Name, _, _, _), Items), Propositions).

undeclared(Program, Name, [name=Name, nearest=Hint]) :-
    propositions(Program, Known),
    nearest(Name, Known, Hint).

mentioned(Program, Name, 'rules.pl', Offset) :-
    part(rule, Program, Rules),
    member(rule(_, Head, Elements, _, At), Rules),
    (   Head = derived(Name),
        Offset = At
    ;   member(Element, Elements),
        used(Element, Name, _, Offset)
    ).
mentioned(Program, Name, 'labels.pl', Offset) :-
    part(label, Program, Labels),
    member(label(Name, _, _, Offset), Labels).

scope(Program, scope(Predicates, Propositions, Classes)) :-
    predicates(Program, Predicates),
    propositions(Program, Propositions),
    classes(Program, Classes).

%   Dependencies among exceptions and derived propositions.  No other
%   names of rules.pl are used in bodies.

depends(Program, edge(Head, Used, Sign, Offset)) :-
    part(rule, Program, Rules),
    member(rule(_, Head, Elements, _, _), Rules),
    Head \= class(_),
    member(Element, Elements),
    (   Element = unless(Rule, Offset),
        Used = ab(Rule),
        Sign = false
    ;   used(Element, P, Sign, Offset),
        Used = derived(P)
    ).

user_depends(Program, edge(Name/Arity, Used, Sign, Offset)) :-
    part(user, Program, Users),
    member(user(Head, Body, _, _, Offset), Users),
    functor(Head, Name, Arity),
    calls(Body, true, Used, Sign).

%   Aggregates and conditions need all of an answer, as negation does.

calls(Goal, _, _, _), var(Goal) => fail.
calls((A, B), S0, Used, S) => ( calls(A, S0, Used, S) ; calls(B, S0, Used, S) ).
calls((A ; B), S0, Used, S) => ( calls(A, S0, Used, S) ; calls(B, S0, Used, S) ).
calls((A -> B), S0, Used, S) => ( calls(A, false, Used, S) ; calls(B, S0, Used, S) ).
calls((A *-> B), S0, Used, S) => ( calls(A, false, Used, S) ; calls(B, S0, Used, S) ).
calls(\+ A, _, Used, S) => calls(A, false, Used, S).
calls(forall(A, B), _, Used, S) => ( calls(A, false, Used, S) ; calls(B, false, Used, S) ).
calls(findall(_, A, _), _, Used, S) => calls(A, false, Used, S).
calls(findall(_, A, _, _), _, Used, S) => calls(A, false, Used, S).
calls(aggregate_all(_, A, _), _, Used, S) => calls(A, false, Used, S).
calls(once(A), S0, Used, S) => calls(A, S0, Used, S).
calls(ignore(A), _, Used, S) => calls(A, false, Used, S).
calls(at_least(_, As), S0, Used, S), is_list(As) => member(A, As), calls(A, S0, Used, S).
calls(Goal, S0, Used, S), compound(Goal), functor(Goal, call, _) =>
    Goal =.. [call, Closure|Extra],
    callable(Closure),
    Closure =.. List0,
    append([List0, Extra], List),
    Called =.. List,
    calls(Called, S0, Used, S).
calls(Goal, S0, Used, S), callable(Goal) =>
    functor(Goal, Name, Arity),
    Used = Name/Arity,
    S = S0.
calls(_, _, _, _) =>
    fail.

%   One report per set of names; a cycle through a negation is reported as
%   that.

first_cycles(Edges, Sign, Cycles) :-
    findall(Names-(Sign-path(Offset, Path)),
            ( cycle(Edges, Sign, path(Offset, Path)),
              sort(Path, Names)
            ),
            Found0),
    findall(Names-(false-Path),
            member(Names-(false-Path), Found0),
            Negative),
    findall(Names-(true-Path),
            ( member(Names-(true-Path), Found0),
              \+ memberchk(Names-_, Negative)
            ),
            Positive),
    append([Negative, Positive], Found),
    sort(1, @<, Found, Unique),
    findall(Cycle, member(_-Cycle, Unique), Cycles).

path_text(Names, Text) :-
    findall(Part, ( member(Name, Names), format(atom(Part), '~q', [Name]) ), Parts),
    atomic_list_concat(Parts, ' → ', Text).

%   suspicion(-Code, +Program, -File, -Offset, -Slots): a warning.

suspicion(unknown_rule, Program, 'rules.pl', Offset, [rule=Rule]) :-
    part(stats, Program, Stats),
    member(stats(Rule, _, Offset), Stats),
    \+ declared(rule, Program, Rule).
suspicion(Code, Program, 'rules.pl', Offset, Slots) :-
    bodies(Program, Bodies),
    findall(found(Code0, N, Slots0), futile(Code0, Program, Bodies, N, Slots0), All),
    part(rule, Program, Rules),
    (   sort(2, @<, All, Unique),       % one finding per rule
        member(found(Code, N, Slots), Unique),
        nth1(N, Rules, rule(_, _, _, _, Offset))
    ;   Code = unreachable_class,
        unreachable(Program, Bodies, All, Class),
        class_offset(Program, Class, Offset),
        Slots = [name=Class]
    ).

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
    shadows(Bodies, body(M, By, Wider, _, _), body(N, Id, Head, Conditions, _)),
    (   Wider = ab(Rule),
        memberchk(unless(Rule), Conditions),
        Rule == Id
    ->  Code = dead_rule
    ;   Policy \== exclusive,
        Head = class(_)
    ->  Wider = class(_),
        get_assoc(By, Ranks, First),
        get_assoc(Id, Ranks, Second),
        First < Second,                 % Wider is tried first
        (   Wider == Head
        ->  Code = subsumed_rule
        ;   Code = dead_rule
        )
    ;   Wider == Head,
        (   M < N
        ->  true
        ;   \+ same_conditions(Bodies, M, N)
        )
    ->  Code = subsumed_rule
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

class_offset(Program, Class, Offset) :-
    part(class_order, Program, Orders),
    part(rule, Program, Rules),
    (   Orders = [class_order(_, Offset0)|_]
    ->  Offset = Offset0
    ;   memberchk(rule(_, class(Class), _, _, Offset0), Rules)
    ->  Offset = Offset0
    ;   Offset = none
    ).
