:- module(proofsight_listing,
          [ rule_lines/3,               % +KB, +Rule, -Lines
            class_rules/3               % +KB, +Class, -Rules
          ]).
:- use_module(library(apply), [maplist/3, maplist/4]).
:- use_module(library(lists), [append/2, max_list/2, member/2]).
:- use_module(clauses, [conjuncts/2]).

:- det(rule_lines/3).
:- det(class_rules/3).

/** <module> Rules as people read them
*/

%!  class_rules(+KB, +Class, -Rules) is det.
%
%   Rules are the ids of the clauses for Class, or of its points, each
%   followed by its exceptions and theirs.

class_rules(KB, Class, Rules) :-
    findall(Rule,
            (   head_rule(KB, class(_, Class), Rule)
            ;   head_rule(KB, points(_, Class, _), Rule)
            ),
            Own),
    with_exceptions(Own, KB, Rules).

with_exceptions([], _, Rules) =>
    Rules = [].
with_exceptions([Rule|Own], KB, Rules) =>
    findall(Exception, head_rule(KB, ab(Rule, _), Exception), Exceptions),
    with_exceptions(Exceptions, KB, Beneath),
    with_exceptions(Own, KB, Others),
    append([[Rule], Beneath, Others], Rules).

head_rule(KB, Head, Rule) :-
    clause(KB:Head, Body),
    conjuncts(Body, Goals),
    Goals = [rule(Rule, _)|_].

%!  rule_lines(+KB, +Rule, -Lines:list(string)) is det.
%
%   Lines are the clause of Rule as in `rules.pl`, with its statistics and
%   the labels of its propositions as comments.

rule_lines(KB, Rule, Lines) :-
    KB:'$rule'(Rule, Reference),
    clause(KB:Head, Body, Reference),
    conjuncts(Body, [First|Goals]),
    term_variables(Head, ['$VAR'('Image')]),
    source(Head, HeadText),
    source(First, FirstText),
    atomics_to_string([HeadText, " :- ", FirstText], Opening),
    maplist(goal_text, Goals, GoalTexts),
    ended([Opening|GoalTexts], Texts),
    statistics_comment(KB, Rule, Comment),
    maplist(label_comment(KB), Goals, Comments),
    columns(Texts, [Comment|Comments], Lines).

source(\+ Goal, Text) =>
    source(Goal, Positive),
    string_concat("\\+ ", Positive, Text).
source(at_least(M, Goals), Text) =>
    maplist(source, Goals, Texts),
    atomic_list_concat(Texts, ', ', Listed),
    format(string(Text), 'at_least(~w, [~w])', [M, Listed]).
source(Term, Text) =>
    format(string(Text), '~W',
           [Term, [quoted(true), numbervars(true), spacing(next_argument)]]).

goal_text(Goal, Text) :-
    source(Goal, Bare),
    string_concat("    ", Bare, Text).

ended([Last], Texts) =>
    string_concat(Last, ".", Text),
    Texts = [Text].
ended([First|Rest], Texts) =>
    string_concat(First, ",", Text),
    Texts = [Text|Texts1],
    ended(Rest, Texts1).

statistics_comment(KB, Rule, Comment) :-
    (   KB:rule_stats(Rule, Statistics)
    ->  findall(Text,
                ( member(Statistic, Statistics),
                  Statistic =.. [Key, Value],
                  shortest(Value, Short),
                  format(atom(Text), '~w ~w', [Key, Short])
                ),
                Texts),
        atomic_list_concat(Texts, ', ', Comment)
    ;   Comment = ''
    ).

%   As `proofsight rules` writes numbers.

shortest(Value, Short) :-
    (   float(Value),
        Value =:= truncate(Value)
    ->  Short is truncate(Value)
    ;   Short = Value
    ).

label_comment(KB, Goal, Comment) :-
    findall(Text,
            ( mentioned(Goal, P),
              once(KB:label(P, Label, _)),     % the first: a hand's, where there is one
              format(atom(Text), '~q', [Label])
            ),
            Texts),
    atomic_list_concat(Texts, ', ', Comment).

mentioned(active(_, P), P).
mentioned(\+ active(_, P), P).
mentioned(at_least(_, Goals), P) :-
    member(Goal, Goals),
    mentioned(Goal, P).

%   Comments stand in one column.

columns(Texts, Comments, Lines) :-
    findall(Length,
            ( both_in(Texts, Comments, Text, Comment),
              Comment \== '',
              string_length(Text, Length)
            ),
            Lengths),
    max_list([0|Lengths], Widest),
    Column is min(Widest, 64),          % a longer line is not waited for
    maplist(line(Column), Texts, Comments, Lines).

both_in([Text|_], [Comment|_], Text, Comment).
both_in([_|Texts], [_|Comments], Text, Comment) :-
    both_in(Texts, Comments, Text, Comment).

line(Column, Text, Comment, Line) :-
    (   Comment == ''
    ->  Line = Text
    ;   format(string(Line), '~s~t~*|  % ~w', [Text, Column, Comment])
    ).
