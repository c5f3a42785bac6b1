:- module(proofsight_numbering,
          [ start_numbers/1,            % +KB
            numbered/2,                 % +KB, -Size
            named/4,                    % +KB, +Name, +Kind, -Id
            known/4,                    % +KB, +Name, +Kind, -Id
            describe/6,                 % +KB, +Id, +Kind, ?Image, +Goal, +Details
            clauses_by_head/3,          % +KB, +Rules, -ByHead
            clauses_of/3                % +ByHead, +Head, -Clauses
          ]).
:- use_module(library(assoc), [get_assoc/3, list_to_assoc/2]).
:- use_module(library(lists), [member/2]).
:- use_module(library(pairs), [group_pairs_by_key/2]).
:- use_module(encoding, [node_texts/5]).

:- det(start_numbers/1).
:- det(numbered/2).
:- det(named/4).
:- det(describe/6).
:- det(clauses_by_head/3).
:- det(clauses_of/3).

/** <module> Numbers and descriptions of the nodes of a graph

See graph.pl.
*/

%!  start_numbers(+KB) is det.
%
%   Number 1 is taken, by what decides.

start_numbers(KB) :-
    flag(KB, _, 1).

%!  numbered(+KB, -Size) is det.
%
%   Size is the last number given; the next graph starts afresh.

numbered(KB, Size) :-
    flag(KB, Size, 0).

fresh(KB, Id) :-
    flag(KB, Last, Last + 1),
    Id is Last + 1.

%!  named(+KB, +Name, +Kind, -Id) is det.
%
%   Id is the node of that Name and Kind, a new one at first.

named(KB, Name, Kind, Id) :-
    (   known(KB, Name, Kind, Id0)
    ->  Id = Id0
    ;   fresh(KB, Id),
        assertz(KB:'$named'(Name, Kind, Id))
    ).

%!  known(+KB, +Name, +Kind, -Id) is semidet.
%
%   Id is the node of that Name and Kind, if there is one.  Which indexes
%   Prolog has made of '$named' by then does not matter.

known(KB, Name, Kind, Id) :-
    KB:'$named'(Name, Kind, Id),
    !.

%!  describe(+KB, +Id, +Kind, ?Image, +Goal, +Details) is det.
%
%   Says how a node reads; Image is a variable of Goal.

describe(KB, Node, Kind, Image, Goal, Details) :-
    assertz(KB:'$goal'(Node, Kind, Image, Goal, Details)),
    Image = img,
    node_texts(Kind, Goal, Details, Head, After),
    assertz(KB:'$text'(Node, Head, After)).

%!  clauses_by_head(+KB, +Rules, -ByHead) is det.
%
%   ByHead serves clauses_of/3.

clauses_by_head(KB, Rules, ByHead) :-
    findall(Head-Node,
            ( member(rule(Id, Head, _, _, _), Rules),
              named(KB, Id, clause, Node)
            ),
            Pairs),
    keysort(Pairs, Sorted),
    group_pairs_by_key(Sorted, Groups),
    list_to_assoc(Groups, ByHead).

%!  clauses_of(+ByHead, +Head, -Clauses) is det.
%
%   Clauses are the nodes of those with Head, in the order of the file.

clauses_of(ByHead, Head, Clauses) :-
    (   get_assoc(Head, ByHead, Clauses0)
    ->  Clauses = Clauses0
    ;   Clauses = []
    ).
