:- module(proofsight_check,
          [ check_directory/3,          % +Directory, -Program, -Issues
            errors/2,                   % +Issues, -Errors
            issue_object/2              % +Issue, -Object
          ]).
:- use_module(library(apply), [include/3, maplist/3]).
:- use_module(library(lists), [append/2, append/3, member/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(allowed, [reserved/1]).
:- use_module(chain, [out_of_order/4]).
:- use_module(messages, [text/3]).
:- use_module(program,
              [ classes/2, declared/3, head_class/2, part/3, place/4, policy/2,
                predicates/2, read_program/3, used/4
              ]).
:- use_module(safety, [safe_goal/3]).
:- use_module(strata, [cyclic/5]).
:- use_module(suspicion, [suspicion/5]).

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
    Slots = [name=Layer, nearest=near(Layer, Layers)].
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
problem(unknown_class, Program, 'rules.pl', Offset, [name=Class, nearest=near(Class, Classes)]) :-
    part(class_order, Program, Orders),
    Orders = [class_order(Classes, _)|_],
    (   part(rule, Program, Rules),
        member(rule(_, Head, _, _, Offset), Rules),
        head_class(Head, Class)
    ;   part(default_class, Program, Defaults),
        member(default_class(Class, Offset), Defaults)
    ;   part(base_points, Program, Bases),
        member(base_points(Class, _, Offset), Bases)
    ),
    \+ memberchk(Class, Classes).
problem(unknown_policy, Program, 'rules.pl', Offset, [policy=Text]) :-
    part(policy, Program, Policies),
    member(policy(Policy, Offset), Policies),
    \+ memberchk(Policy, [exclusive, ordered, confidence, points]),
    format(string(Text), '~q', [Policy]).
problem(mixed_policy, Program, 'rules.pl', Offset, [clause=Text, policy=Name]) :-
    policy(Program, Policy),
    (   Policy == points
    ->  ruling(Program, Indicator, Offset)
    ;   scoring(Program, Indicator, Offset)
    ),
    format(string(Text), '~q', [Indicator]),
    format(string(Name), '~q', [Policy]).
problem(unobserved, Program, 'rules.pl', Offset, [name=Name]) :-
    part(proposition, Program, Propositions),
    member(proposition(Name, derived(_), _, _), Propositions),
    part(rule, Program, Rules),
    \+ memberchk(rule(_, derived(Name), _, _, _), Rules),
    once(( member(rule(_, _, Elements, _, _), Rules),
           member(Element, Elements),
           used(Element, Name, _, Offset)
         )).
problem(Code, Program, File, Offset, [path=Path]) :-
    cyclic(Code, Program, File, Offset, Path).
problem(out_of_order, Program, File, Offset, Slots) :-
    out_of_order(Program, File, Offset, Slots).
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

%   The first clause of each kind that goes with other policies.

ruling(Program, class/2, Offset) :-
    part(rule, Program, Rules),
    memberchk(rule(_, class(_), _, _, Offset), Rules).
ruling(Program, default_class/1, Offset) :-
    part(default_class, Program, Defaults),
    Defaults = [default_class(_, Offset)|_].

scoring(Program, points/3, Offset) :-
    part(rule, Program, Rules),
    memberchk(rule(_, points(_, _), _, _, Offset), Rules).
scoring(Program, base_points/2, Offset) :-
    part(base_points, Program, Bases),
    Bases = [base_points(_, _, Offset)|_].

%   Declarations that stand once, and what makes two of them the same.

once_only(layer, 'quantiser.pl').
once_only(reads, 'quantiser.pl').
once_only(proposition, 'quantiser.pl').
once_only(policy, 'rules.pl').
once_only(default_class, 'rules.pl').
once_only(base_points, 'rules.pl').
once_only(class_order, 'rules.pl').
once_only(stats, 'rules.pl').

subject(layer(Atom, _, _, _, Offset), layer(Atom), Offset).
subject(reads(Layer, _, Offset), reads(Layer), Offset).
subject(proposition(Name, _, _, Offset), proposition(Name), Offset).
subject(policy(_, Offset), policy, Offset).
subject(default_class(_, Offset), default_class, Offset).
subject(base_points(Class, _, Offset), base_points(Class), Offset).
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

undeclared(Program, Name, [name=Name, nearest=near(Name, Known)]) :-
    propositions(Program, Known).

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
