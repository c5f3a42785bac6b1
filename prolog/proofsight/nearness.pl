:- module(proofsight_nearness,
          [ nearest/6                   % +Cut, +Id, +About, +How0-Ids0, -How, -Ids
          ]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(truth, [spec/3, true_count/3, truth/3]).

:- det(nearest/6).

/** <module> What matters of a refutation

Of a class that does not hold, the rules that come nearest to firing; of a
class that scored less, the lines that would close the gap; of what was
decided instead, the rule that decided it.  Nothing is left out unsaid: the
node tells how many.
*/

%!  nearest(+Cut, +Id, +About, +Expanded, -How, -Ids) is det.
%
%   Expanded is How0-Ids0, of expand/5; Ids are those of Ids0 that matter
%   and How is How0 or, where Count are left out, cut(How0, Count).  Cut is
%   `all`, where nothing is left out and the order is that of the file, or
%   cut(Most, Answer):
%
%     - Of a refuted class: Most rules, those with the fewest literals that
%       fail first; what at_least/2 lacks counts as so many.
%     - Of a score with lines that do not hold: those of them that would
%       have it ahead, greatest points first.
%
%   Where Answer is `refutation`, and not `proof`, which needs these whole:
%
%     - Of there being no decision: Most classes, those with a rule that
%       comes nearest first.
%     - Of a derived proposition and of exceptions: as of a class.
%     - Of a count that is too low: what does not hold.
%     - Of another decision: what holds of it, and not the rules that were
%       tried before; of the default, no rules at all.

nearest(all, _, _, How0-Ids0, How, Ids) =>
    How = How0,
    Ids = Ids0.
nearest(cut(_, _), Id, About, How0-Ids0, How, Ids), How0 = score(_, _, behind(_, Margin)) =>
    spec(Id, About, Spec),
    Spec = score(_, Lines),
    parted(Ids0, About, Held, Failing),
    gains(Lines, Failing, Gains0, Idle),
    sort(1, @>=, Gains0, Gains),
    enough(Gains, Margin, Needed, Spare),
    append(Held, Needed, Ids),
    append(Spare, Idle, Left),
    left_out(Left, How0, How).
nearest(cut(Most, Answer), Id, About, How0-Ids0, How, Ids) =>
    spec(Id, About, Spec),
    truth(Id, About, Truth),
    (   matters(Spec, Truth, Answer, Id, About, Most, Ids0, Ids1, Left)
    ->  Ids = Ids1,
        left_out(Left, How0, How)
    ;   Ids = Ids0,
        How = How0
    ).

left_out([], How0, How) =>
    How = How0.
left_out(Left, How0, How) =>
    length(Left, Count),
    How = cut(How0, Count).

%   matters(+Spec, +Truth, +Answer, +Id, +About, +Most, +Ids0, -Ids, -Left)

matters(any(_), no, Answer, Id, About, Most, [One, Two|Ids0], Ids, Left) :-
    (   Answer == refutation
    ;   arg(1, About, KB),
        KB:'$goal'(Id, class, _, _, _)
    ),
    !,
    nearest_clauses([One, Two|Ids0], About, Most, Ids, Left).
matters(active(_, _, _, _), no, refutation, _, About, Most, [One, Two|Ids0], Ids, Left) :-
    nearest_clauses([One, Two|Ids0], About, Most, Ids, Left).
matters(at_least(_, _), no, refutation, _, About, _, Ids0, Ids, Left) :-
    parted(Ids0, About, Left, Ids).
matters(decision(_), _, refutation, _, About, Most, Ids0, Ids, Left) :-
    nearest_classes(Ids0, About, Most, Ids, Left).
matters(decision(_, _), yes, refutation, _, About, _, Ids0, Ids, Left) :-
    parted(Ids0, About, Ids, Left).
matters(default(_), _, refutation, _, _, _, Ids0, [], Ids0).

nearest_clauses(Ids0, About, Most, Ids, Left) :-
    keyed(Ids0, About, Keyed),
    first_keyed(Keyed, Most, Ids, Left).

first_keyed(Keyed0, Most, Ids, Left) :-
    keysort(Keyed0, Keyed),
    pairs_values(Keyed, Sorted),
    first(Most, Sorted, Ids, Left).

%   A class without rules is farther than any.

nearest_classes(Ids0, About, Most, Ids, Left) :-
    findall(Lacking-Id,
            ( member(Id, Ids0), class_lacking(Id, About, Lacking) ),
            Keyed),
    first_keyed(Keyed, Most, Ids, Left).

class_lacking(Id, About, Lacking) :-
    spec(Id, About, Spec),
    (   Spec = any([One|Clauses])
    ->  keyed([One|Clauses], About, Keyed),
        keysort(Keyed, [Lacking-_|_])
    ;   Lacking = inf
    ).

keyed([], _, Keyed) =>
    Keyed = [].
keyed([Id|Ids], About, Keyed) =>
    spec(Id, About, Spec),
    (   Spec = clause(Body)
    ->  lacking(Body, About, 0, Lacking)
    ;   Lacking = 0
    ),
    Keyed = [Lacking-Id|Keyed1],
    keyed(Ids, About, Keyed1).

lacking([], _, Lacking0, Lacking) =>
    Lacking = Lacking0.
lacking([Id|Body], About, Lacking0, Lacking) =>
    truth(Id, About, Truth),
    (   Truth \== no
    ->  Lacking1 = Lacking0
    ;   spec(Id, About, Spec),
        (   Spec = at_least(Needed, Ids)
        ->  true_count(Ids, About, Holding),
            Lacking1 is Lacking0 + Needed - Holding
        ;   Lacking1 is Lacking0 + 1
        )
    ),
    lacking(Body, About, Lacking1, Lacking).

first(Most, Ids, First, Left) :-
    (   length(First0, Most),
        append(First0, Left0, Ids)
    ->  First = First0,
        Left = Left0
    ;   First = Ids,
        Left = []
    ).

parted([], _, Held, Failing) =>
    Held = [],
    Failing = [].
parted([Id|Ids], About, Held, Failing) =>
    truth(Id, About, Truth),
    (   Truth == no
    ->  Failing = [Id|Failing1],
        parted(Ids, About, Held, Failing1)
    ;   Held = [Id|Held1],
        parted(Ids, About, Held1, Failing)
    ).

%   Of the lines that fail, those that would help and those that would not.

gains(Lines, Failing, Gains, Idle) :-
    findall(Points-Id,
            ( member(Points-Id, Lines), Points > 0, memberchk(Id, Failing) ),
            Gains),
    findall(Id,
            ( member(Points-Id, Lines), Points =< 0, memberchk(Id, Failing) ),
            Idle).

enough([], _, Needed, Spare) =>
    Needed = [],
    Spare = [].
enough(Gains, Margin, Needed, Spare), Margin < 0 =>
    Needed = [],
    pairs_values(Gains, Spare).
enough([Points-Id|Gains], Margin, Needed, Spare) =>
    Needed = [Id|Needed1],
    Rest is Margin - Points,
    enough(Gains, Rest, Needed1, Spare).
