:- module(proofsight_dependency,
          [ dependencies/2              % +Program, -Edges
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(program, [head_class/2, part/3, used/4]).

:- det(dependencies/2).

/** <module> What leans on what in rules.pl
*/

%!  dependencies(+Program, -Edges) is det.
%
%   Edges are edge(From, To, Sign, Offset), From and To being ab(Rule) or
%   derived(P): a rule for From uses To there, negated where Sign is false.
%   No other names of rules.pl are used in bodies.

dependencies(Program, Edges) :-
    findall(Edge, depends(Program, Edge), Edges).

depends(Program, edge(Head, Used, Sign, Offset)) :-
    part(rule, Program, Rules),
    member(rule(_, Head, Elements, _, _), Rules),
    \+ head_class(Head, _),
    member(Element, Elements),
    (   Element = unless(Rule, Offset),
        Used = ab(Rule),
        Sign = false
    ;   used(Element, P, Sign, Offset),
        Used = derived(P)
    ).
