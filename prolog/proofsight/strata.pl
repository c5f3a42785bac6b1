:- module(proofsight_strata,
          [ cycle/3                     % +Edges, +Sign, -Path
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [append/3, member/2, reverse/2]).
:- use_module(library(ugraphs),
              [top_sort/2, vertices_edges_to_ugraph/3]).

/** <module> Strata

A program is stratified where no name depends on its own negation.
*/

%!  cycle(+Edges, ?Sign, -Path) is nondet.
%
%   Edges are edge(From, To, Sign, Where): the definition of From uses To,
%   negated where Sign is false.  For each edge that lies on a cycle, Path
%   is path(Where, Names): Names is a shortest way round from From by the
%   edge back to From.

cycle(Edges, Sign, path(Where, [From|Names])) :-
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
