:- encoding(utf8).
:- module(proofsight_strata,
          [ cyclic/5                    % -Code, +Program, -File, -Offset, -Path
          ]).
:- use_module(library(apply), [include/3, maplist/3]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [append/2, append/3, member/2, reverse/2]).
:- use_module(library(solution_sequences), [distinct/2]).
:- use_module(library(ugraphs),
              [top_sort/2, vertices_edges_to_ugraph/3]).
:- use_module(chain, [in_order/3]).
:- use_module(dependency, [dependencies/2]).
:- use_module(program, [part/3]).

/** <module> Strata

A program is stratified where no name depends on its own negation.  Among
exceptions and derived propositions no name may depend on itself at all,
as plain execution would not end; `user.pl` may be recursive.
*/

%!  cyclic(-Code, +Program, -File, -Offset, -Path:atom) is nondet.
%
%   Code is negative_cycle or positive_cycle; Path names the way round.  A way
%   by a reading that out_of_order/4 tells is none of its own.

cyclic(Code, Program, 'rules.pl', Offset, Path) :-
    dependencies(Program, All),
    in_order(Program, All, Edges),
    first_cycles(Edges, _, Cycles),
    member(Sign-path(Offset, Names), Cycles),
    memberchk(Sign-Code, [false-negative_cycle, true-positive_cycle]),
    path_text(Names, Path).
cyclic(negative_cycle, Program, 'user.pl', Offset, Path) :-
    findall(Edge, user_depends(Program, Edge), Edges),
    first_cycles(Edges, false, Cycles),
    member(_-path(Offset, Names), Cycles),
    path_text(Names, Path).

%   cycle(+Edges, ?Sign, -Path)
%
%   Edges are edge(From, To, Sign, Where): the definition of From uses To,
%   negated where Sign is false.  For each edge that lies on a cycle, Path
%   is path(Where, Names): Names is a shortest way round from From by the
%   edge back to From.

cycle(Edges0, Sign, path(Where, [From|Names])) :-
    leading_on(Edges0, Edges),
    maplist(arc, Edges, Arcs),
    vertices_edges_to_ugraph([], Arcs, Graph),
    \+ top_sort(Graph, _),
    member(edge(From, To, Sign, Where), Edges),
    (   From == To
    ->  Names = [To]
    ;   way([[To]], [To], Graph, From, Reversed),
        reverse(Reversed, Names)
    ).

arc(edge(From, To, _, _), From-To).

%   leading_on(+Edges, -Further): the edges to names that edges start from.  Most
%   lead to propositions without rules, which lie on no cycle.

leading_on(Edges, Further) :-
    findall(From-true, distinct(From, member(edge(From, _, _, _), Edges)), Froms),
    list_to_assoc(Froms, Known),
    include(leads_on(Known), Edges, Further).

leads_on(Known, edge(_, To, _, _)) :-
    get_assoc(To, Known, _).

%   Breadth first, so that the shortest cycle is the one shown.

way([[Name|Before]|_], _, Graph, Goal, [Goal, Name|Before]) :-
    memberchk(Name-Next, Graph),
    memberchk(Goal, Next),
    !.
way([[Name|Before]|Ways], Seen, Graph, Goal, Way) :-
    memberchk(Name-Next, Graph),
    findall(New, ( member(New, Next), \+ memberchk(New, Seen) ), News),
    findall([New, Name|Before], member(New, News), More),
    append(Ways, More, Ways1),
    append(News, Seen, Seen1),
    way(Ways1, Seen1, Graph, Goal, Way).

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
