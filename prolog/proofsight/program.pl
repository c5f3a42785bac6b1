:- module(proofsight_program,
          [ read_program/3,             % +Directory, -Program, -Findings
            part/3,                     % +Name, +Program, -Items
            declared/3,                 % +Kind, +Program, +Name
            predicates/2,               % +Program, -Indicators
            classes/2,                  % +Program, -Classes
            head_class/2,               % +Head, -Class
            bases/2,                    % +Program, -Bases
            priority/2,                 % +Program, -Rules
            policy/2,                   % +Program, -Policy
            place/4,                    % +Program, +File, +Offset, -Place
            used/4                      % +Element, -Proposition, -Sign, -Offset
          ]).
:- use_module(library(apply), [maplist/3, partition/4]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [append/3, list_to_set/2, member/2, nth0/3]).
:- use_module(library(pairs), [map_list_to_pairs/3, pairs_values/2]).
:- use_module(annex, [read_annexes/4]).
:- use_module(clauses, [item/5]).
:- use_module(source, [line_column/4, read_source/4, syntax_text/2]).

:- det(read_program/3).
:- det(part/3).
:- det(predicates/2).
:- det(classes/2).
:- det(bases/2).
:- det(priority/2).
:- det(policy/2).
:- det(place/4).

/** <module> A revision's files as one value

program(Parts, Names, Lines): Parts are the items of clauses.pl, sorted
by kind and each in the order of the file, and under `annex` the facts of
annex.pl; Names looks up what is declared; Lines turns offsets into lines
and columns.
*/

files([ 'quantiser.pl'-required,
        'rules.pl'-required,
        'labels.pl'-optional,
        'user.pl'-optional
      ]).

kinds([ layer-5, reads-3, proposition-4, rule-5, policy-2, default_class-2,
        base_points-3, class_order-2, stats-3, label-4, user-5
      ]).

%!  read_program(+Directory, -Program, -Findings) is det.
%
%   Program is what the files of Directory say, as far as they can be
%   read; Findings are finding(Severity, Code, File, Offset, Slots) about
%   what cannot.

read_program(Directory, program(Parts, Names, Lines), Findings) :-
    files(Files),
    read_files(Files, Directory, Items, Lines0, Findings0),
    read_annexes(Directory, Annexes, Lines1, Findings1),
    append(Lines0, Lines1, Lines),
    append(Findings0, Findings1, Findings),
    kinds(Kinds),
    sorted(Kinds, Items, Parts0),
    Parts = [annex-Annexes|Parts0],
    findall(Name-true, member(proposition(Name, _, _, _), Items), Propositions),
    findall(Id-true, member(rule(Id, _, _, _, _), Items), Rules),
    findall(Atom-Size, member(layer(Atom, _, _, Size, _), Items), Layers),
    lookup(Propositions, PropositionNames),
    lookup(Rules, RuleNames),
    lookup(Layers, LayerNames),
    Names = names(PropositionNames, RuleNames, LayerNames).

lookup(Pairs, Assoc) :-
    sort(1, @<, Pairs, Unique),
    list_to_assoc(Unique, Assoc).

read_files([], _, Items, Lines, Findings) =>
    Items = [],
    Lines = [],
    Findings = [].
read_files([Name-Need|Files], Directory, Items, Lines, Findings) =>
    directory_file_path(Directory, Name, File),
    (   exists_file(File)
    ->  read_file(File, Name, Items0, Lines0, Findings0),
        Lines = [Name-Lines0|Lines1]
    ;   Items0 = [],
        Lines = Lines1,
        (   Need == required
        ->  Findings0 = [finding(error, missing_file, Name, none, [file=Name])]
        ;   Findings0 = []
        )
    ),
    read_files(Files, Directory, Items1, Lines1, Findings1),
    append(Items0, Items1, Items),
    append(Findings0, Findings1, Findings).

directory_file_path(Directory, Name, File) :-
    atomic_list_concat([Directory, Name], /, File).

read_file(File, Name, Items, Lines, Findings) :-
    read_source(File, read_item(Name), All, Lines),
    partition(is_finding, All, Findings, Items).

is_finding(finding(_, _, _, _, _)).

read_item(File, syntax_error(What, Offset), Finding) =>
    syntax_text(What, Text),
    Finding = finding(error, syntax_error, File, Offset, [problem=Text]).
read_item(File, read(Term, Position, Names), Item) =>
    catch(item(File, Term, Position, Names, Item0),
          malformed(Code, Slots, Offset),
          true),
    (   nonvar(Code)
    ->  Item = finding(error, Code, File, Offset, Slots)
    ;   Item = Item0
    ).

sorted([], _, Parts) =>
    Parts = [].
sorted([Kind-Arity|Kinds], Items, Parts) =>
    partition(of_kind(Kind, Arity), Items, Of, Others),
    Parts = [Kind-Of|Parts1],
    sorted(Kinds, Others, Parts1).

of_kind(Kind, Arity, Item) :-
    functor(Item, Kind, Arity).

%!  part(+Kind, +Program, -Items) is det.
%
%   Items are those of one Kind, in the order of the file.

part(Kind, program(Parts, _, _), Items) :-
    memberchk(Kind-Items, Parts).

%!  declared(+Kind, +Program, +Name) is semidet.
%
%   Name is a declared `proposition`, `rule` or `layer`.

declared(proposition, program(_, names(Known, _, _), _), Name) :-
    get_assoc(Name, Known, _).
declared(rule, program(_, names(_, Known, _), _), Name) :-
    get_assoc(Name, Known, _).
declared(layer, program(_, names(_, _, Known), _), Name) :-
    get_assoc(Name, Known, _).

%!  predicates(+Program, -Indicators) is det.
%
%   The Name/Arity of `user.pl`, in the order of their first clauses.

predicates(Program, Indicators) :-
    part(user, Program, Users),
    findall(Name/Arity,
            ( member(user(Head, _, _, _, _), Users),
              functor(Head, Name, Arity)
            ),
            All),
    list_to_set(All, Indicators).

%!  classes(+Program, -Classes) is det.
%
%   The classes in the order that breaks ties: those of class_order/1 or,
%   without it, the heads of rules, the default, and those with a base, as
%   they come.

classes(Program, Classes) :-
    part(class_order, Program, Orders),
    (   Orders = [class_order(Classes0, _)|_]
    ->  Classes = Classes0
    ;   part(rule, Program, Rules),
        part(default_class, Program, Defaults),
        part(base_points, Program, Bases),
        findall(Class,
                (   member(rule(_, Head, _, _, _), Rules),
                    head_class(Head, Class)
                ;   member(default_class(Class, _), Defaults)
                ;   member(base_points(Class, _, _), Bases)
                ),
                All),
        list_to_set(All, Classes)
    ).

%!  head_class(+Head, -Class) is semidet.
%
%   Head, of an item rule(...), says something of Class.

head_class(class(Class), Class).
head_class(points(Class, _), Class).

%!  bases(+Program, -Bases) is det.
%
%   Bases are Class-Points, one for each of classes/2 in that order; 0 where
%   none are declared.

bases(Program, Bases) :-
    part(base_points, Program, Declared),
    classes(Program, Classes),
    maplist(base(Declared), Classes, Bases).

base(Declared, Class, Class-Points) :-
    (   memberchk(base_points(Class, Points0, _), Declared)
    ->  Points = Points0
    ;   Points = 0
    ).

%!  policy(+Program, -Policy) is det.
%
%   `exclusive` where none is declared.

policy(Program, Policy) :-
    part(policy, Program, Policies),
    (   Policies = [policy(Policy0, _)|_]
    ->  Policy = Policy0
    ;   Policy = exclusive
    ).

%!  priority(+Program, -Rules) is det.
%
%   The rules for classes, Id-Class, so ordered that the first that fires
%   decides: all policies but `points`, which has none, come down to that.
%
%     - `exclusive`: by the order of the classes, then as in the file;
%     - `ordered`: as in the file;
%     - `confidence`: by falling confidence (0 where it has none), then
%       the order of the classes, then as in the file.

priority(Program, Ordered) :-
    part(rule, Program, Rules),
    findall(Id-Class, member(rule(Id, class(Class), _, _, _), Rules), InFile),
    policy(Program, Policy),
    priority(Policy, Program, InFile, Ordered).

priority(exclusive, Program, InFile, Ordered) =>
    classes(Program, Classes),
    map_list_to_pairs(rank(Classes), InFile, Keyed),
    keysort(Keyed, Sorted),
    pairs_values(Sorted, Ordered).
priority(confidence, Program, InFile, Ordered) =>
    classes(Program, Classes),
    part(stats, Program, Stats),
    findall(Rule-Confidence, stated_confidence(Stats, Rule, Confidence), Stated),
    lookup(Stated, Confidences),
    map_list_to_pairs(confidence_rank(Classes, Confidences), InFile, Keyed),
    keysort(Keyed, Sorted),
    pairs_values(Sorted, Ordered).
priority(_, _, InFile, Ordered) =>
    Ordered = InFile.

rank(Classes, _-Class, Rank) :-
    (   nth0(Rank0, Classes, Class)
    ->  Rank = Rank0
    ;   length(Classes, Rank)
    ).

stated_confidence(Stats, Rule, Confidence) :-
    member(stats(Rule, Pairs, _), Stats),
    (   memberchk(confidence-Confidence0, Pairs),
        number(Confidence0)
    ->  Confidence = Confidence0
    ;   Confidence = 0
    ).

confidence_rank(Classes, Confidences, Id-Class, Negative-Rank) :-
    (   get_assoc(Id, Confidences, Confidence)
    ->  Negative is 0.0 - Confidence
    ;   Negative = 0.0
    ),
    rank(Classes, Id-Class, Rank).

%!  used(+Element, -Proposition, -Sign, -Offset) is nondet.
%
%   The propositions of an element of a body, each with its sign.

used(active(Proposition, Sign, Offset), Proposition, Sign, Offset).
used(at_least(_, Elements, _), Proposition, Sign, Offset) :-
    member(Element, Elements),
    used(Element, Proposition, Sign, Offset).

%!  place(+Program, +File, +Offset, -Place) is det.
%
%   Place is Line:Column, or 0:0 where Offset is `none`.

place(program(_, _, Lines), File, Offset, Place) :-
    (   integer(Offset),
        memberchk(File-Starts, Lines)
    ->  line_column(Starts, Offset, Line, Column),
        Place = Line:Column
    ;   Place = 0:0
    ).
