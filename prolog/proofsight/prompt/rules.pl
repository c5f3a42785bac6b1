:- module(proofsight_rules,
          [ rules/0,
            rules/1                     % +Class
          ]).
:- use_module(library(lists), [member/2]).
:- use_module('../listing', [class_rules/3, rule_lines/3]).
:- use_module(current, [known_class/2, the_current/1]).

:- det(rules/0).
:- det(rules/1).

/** <module> At the prompt: the rules as they are
*/

%!  rules is det.
%
%   Prints the rules, with their statistics and labels, and base_points/2.

rules :-
    the_current(KB),
    findall(Rule, KB:'$rule'(Rule, _), Rules),
    print_rules(KB, Rules),
    print_bases(KB, _).

%!  rules(+Class) is det.
%
%   Prints the rules for Class, each followed by its exceptions, and its base.

rules(Class) :-
    the_current(KB),
    known_class(KB, Class),
    class_rules(KB, Class, Rules),
    print_rules(KB, Rules),
    print_bases(KB, Class).

print_rules(KB, Rules) :-
    forall(member(Rule, Rules),
           ( rule_lines(KB, Rule, Lines),
             forall(member(Line, Lines), format('~s~n', [Line]))
           )).

print_bases(KB, Class) :-
    forall(KB:base_points(Class, Points),
           format('base_points(~q, ~q).~n', [Class, Points])).
