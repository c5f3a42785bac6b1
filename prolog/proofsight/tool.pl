:- module(proofsight_tool, []).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [member/2]).
:- use_module(check, [check_directory/3, errors/2, issue_object/2]).
:- use_module(json, [json_text/2]).
:- use_module(messages, [text/3]).
:- use_module(program,
              [classes/2, declared/3, part/3, place/4, policy/2, predicates/2]).

:- initialization(main, main).

/** <module> What other programs ask of Prolog

    swipl prolog/proofsight/tool.pl check DIRECTORY

prints one JSON document about the revision in DIRECTORY: `ok`, `issues`,
and what its files say, as far as they can be read.  Exit status 0, also
with findings; 2 for wrong usage.
*/

main :-
    set_stream(user_output, encoding(utf8)),
    current_prolog_flag(argv, Arguments),
    (   Arguments = [check, Directory],
        exists_directory(Directory)
    ->  check(Directory)
    ;   text('tool.usage', [], Usage),
        format(user_error, '~s~n', [Usage]),
        halt(2)
    ).

check(Directory) :-
    check_directory(Directory, Program, Issues),
    errors(Issues, Errors),
    (   Errors == []
    ->  Ok = true()
    ;   Ok = false()
    ),
    maplist(issue_object, Issues, IssueObjects),
    part(proposition, Program, Propositions),
    maplist(proposition_object, Propositions, PropositionObjects),
    findall(Object, layer_object(Program, Object), Layers),
    findall(Object, rule_object(Program, Object), Rules),
    findall([P, Label, By],
            ( part(label, Program, Labels),
              member(label(P, Label, Term, _), Labels),
              format(string(By), '~q', [Term])
            ),
            LabelLists),
    policy(Program, Policy0),
    (   atom(Policy0)
    ->  Policy = Policy0
    ;   format(atom(Policy), '~q', [Policy0])
    ),
    part(default_class, Program, Defaults),
    (   Defaults = [default_class(Default, _)|_]
    ->  true
    ;   Default = null()
    ),
    classes(Program, Classes),
    findall([Class, Points],
            ( part(base_points, Program, Declared),
              member(base_points(Class, Points, _), Declared)
            ),
            Bases),
    findall(Object, never_object(Program, Object), Nevers),
    predicates(Program, Indicators),
    findall(Text,
            ( member(Indicator, Indicators), format(string(Text), '~q', [Indicator]) ),
            User),
    json_text(object([ ok-Ok, issues-IssueObjects, layers-Layers,
                       propositions-PropositionObjects, rules-Rules,
                       policy-Policy, default_class-Default,
                       class_order-Classes, bases-Bases, never-Nevers,
                       labels-LabelLists, user-User
                     ]),
              Json),
    format('~s~n', [Json]).

layer_object(Program, Object) :-
    part(layer, Program, Layers),
    part(reads, Program, Reads),
    member(layer(Atom, Module, Kind, Size, _), Layers),
    (   memberchk(reads(Atom, Place, _), Reads)
    ->  true
    ;   Place = Module
    ),
    Object = object([atom-Atom, module-Module, kind-Kind, size-Size, reads-Place]).

proposition_object(proposition(Name, Feature, Threshold, _), Object) :-
    feature_members(Feature, Kind, Members),
    (   Threshold == none
    ->  Value = null()
    ;   Value = Threshold
    ),
    Object = object([name-Name, kind-Kind, threshold-Value|Members]).

feature_members(channel(Layer, Index, Reduction), Kind, Members) =>
    Kind = channel,
    Members = [layer-Layer, index-Index, reduction-Reduction].
feature_members(cell(Layer, Index, Reduction, grid(R, C), at(Row, Column)), Kind, Members) =>
    Kind = cell,
    Members = [ layer-Layer, index-Index, reduction-Reduction,
                grid-[R, C], at-[Row, Column]
              ].
feature_members(unit(Layer, Index), Kind, Members) =>
    Kind = unit,
    Members = [layer-Layer, index-Index].
feature_members(derived(Layer), Kind, Members) =>
    Kind = derived,
    Members = [layer-Layer].

rule_object(Program, Object) :-
    part(rule, Program, Rules),
    part(stats, Program, Stats),
    findall(Rule-Pairs0, member(stats(Rule, Pairs0, _), Stats), Stated),
    sort(1, @<, Stated, Unique),
    list_to_assoc(Unique, ByRule),
    member(rule(Id, Head, Elements, _, Offset), Rules),
    Head =.. HeadList,
    maplist(element_list, Elements, Body),
    place(Program, 'rules.pl', Offset, Line:_),
    (   get_assoc(Id, ByRule, Pairs)
    ->  statistics_lists(Pairs, Lists)
    ;   Lists = []
    ),
    Object = object([id-Id, head-HeadList, body-Body, line-Line, stats-Lists]).

%   A rule that is constantly false has statistics and no clause.

never_object(Program, Object) :-
    part(stats, Program, Stats),
    member(stats(Id, Pairs, _), Stats),
    memberchk(constant-false, Pairs),
    \+ declared(rule, Program, Id),
    statistics_lists(Pairs, Lists),
    Object = object([id-Id, stats-Lists]).

statistics_lists(Pairs, Lists) :-
    findall([Key, Value],
            ( member(Key-Value0, Pairs), statistic(Value0, Value) ),
            Lists).

element_list(active(P, Sign, _), List) =>
    truth(Sign, Json),
    List = [active, P, Json].
element_list(unless(Rule, _), List) =>
    List = [unless, Rule].
element_list(at_least(M, Elements, _), List) =>
    findall([P, Json],
            ( member(active(P, Sign, _), Elements), truth(Sign, Json) ),
            Literals),
    List = [at_least, M, Literals].

statistic(Value0, Value) :-
    (   memberchk(Value0, [true, false])
    ->  truth(Value0, Value)
    ;   Value = Value0
    ).

truth(true, true()).
truth(false, false()).
