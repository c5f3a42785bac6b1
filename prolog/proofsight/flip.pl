:- module(proofsight_flip,
          [ flip/4,                     % +About, +Target, +Limits, -Flip
            unsearched/4                % +About, +Target, +Why, -Flip
          ]).
:- use_module(library(apply), [maplist/2]).
:- use_module(library(lists), [member/2]).
:- use_module(library(option), [option/3]).
:- use_module(plan, [plans/4]).
:- use_module(search, [least_moves/5]).
:- use_module(shift, [moved/2, start_shift/2, value_at/4]).
:- use_module(truth, [decided/2, winning/2]).

:- det(flip/4).
:- det(unsearched/4).

/** <module> The fewest propositions whose change alters the decision

Only observed propositions change, and as values can: those of one feature
together, so that there is a value that has them all.
*/

%!  flip(+About, +Target, +Limits, -Flip) is det.
%
%   Target is class(Class), or other() for any decision but the image's own,
%   none included.  Limits are those of least_moves/5.  Flip is
%   flip(Status, From, To, Changes, Verified, Bound, CutShort, Steps):
%
%     - Status is FOUND, IMPOSSIBLE or CUT_SHORT
%     - From and To are winners, as decided/2 has them; To is what is decided
%       when Changes have been made, found by deciding again, and From where
%       there are none
%     - Changes are change(Index, Value, Threshold, Way, Limit, New), by
%       Index: Way is `above` or `at_most`, what Value must become; it may go
%       as far as Limit, past which another proposition would change, or is
%       `none`.  New is such a value, one for all propositions of a feature
%     - Verified is `true` where To is as Target wants, `false` where there
%       are no changes
%     - Bound is how many propositions must change at least, `inf` where it
%       cannot be
%     - CutShort is `steps`, `inferences` or `seconds`, or ''
%
%   The same question has the same answer.  Of several smallest sets it is
%   that for the first of the rules that decide so, as they are tried, the
%   default last, or under `points` for the first of the classes; and then
%   the one that is found first, trying those that gain most points, then
%   features in the order of their propositions.

flip(About, Target, Limits, Flip) :-
    statistics(inferences, Inferences),
    get_time(Time),
    start_shift(About, Shift),
    decided(About, From),
    plans(Target, Shift, Reached, Plans),
    (   Reached == true
    ->  Flip = flip('FOUND', From, From, [], true, 0, '', 0)
    ;   left(Limits, Inferences, Time, Left),
        least_moves(Plans, Shift, Left, Outcome, Steps),
        moved(Shift, Moved),
        changes(Moved, About, Shift, Changes),
        length(Changes, Count),
        decided_again(Changes, About, To),
        told(Outcome, Count, Status, Bound, CutShort),
        verified(Changes, Target, From, To, Verified),
        Flip = flip(Status, From, To, Changes, Verified, Bound, CutShort, Steps)
    ).

%!  unsearched(+About, +Target, +Why, -Flip) is det.
%
%   Flip is as of flip/4 where a limit, Why, ended it before any search.

unsearched(About, Target, Why, Flip) :-
    decided(About, From),
    (   Target = class(Class),
        winning(From, Class)
    ->  Flip = flip('FOUND', From, From, [], true, 0, '', 0)
    ;   Flip = flip('CUT_SHORT', From, From, [], false, 1, Why, 0)
    ).

%   What preparing the search has left of its limits.

left(Limits, Inferences0, Time0, [inferences(Inferences), seconds(Seconds)|Limits]) :-
    option(inferences(MostInferences), Limits, 1_000_000),
    option(seconds(MostSeconds), Limits, 5),
    statistics(inferences, InferencesNow),
    get_time(Now),
    Inferences is max(0, MostInferences - (InferencesNow - Inferences0)),
    Seconds is max(0, MostSeconds - (Now - Time0)).

told(found, Count, Status, Bound, CutShort) =>
    Status = 'FOUND',
    Bound = Count,
    CutShort = ''.
told(impossible, _, Status, Bound, CutShort) =>
    Status = 'IMPOSSIBLE',
    Bound = inf,
    CutShort = ''.
told(cut_short(Why, Least, _), _, Status, Bound, CutShort) =>
    Status = 'CUT_SHORT',
    Bound = Least,
    CutShort = Why.

verified([], _, _, _, Verified) =>
    Verified = false.
verified(_, class(Class), _, To, Verified), winning(To, Class) =>
    Verified = true.
verified(_, other(), From, To, Verified), \+ same_class(From, To) =>
    Verified = true.
verified(_, _, _, _, Verified) =>
    Verified = false.

same_class(From, To) :-
    class_of(From, Class),
    class_of(To, Class).

class_of(Winner, Class) :-
    (   winning(Winner, Class0)
    ->  Class = Class0
    ;   Class = none()
    ).

%   What crossing from level to level changes.

changes(Moved, About, Shift, Changes) :-
    arg(3, About, Values),
    arg(2, Shift, ladders(ByFeature, _)),
    findall(Change,
            ( member(Feature-at(_, _, Start, Now), Moved),
              arg(Feature, ByFeature, Ladder),
              crossing(Ladder, Start, Now, Values, Change)
            ),
            Changes0),
    sort(Changes0, Changes).

crossing(ladder(Top, _, Thresholds, Indexes, _), Start, Now, Values,
         change(Index, Value, Threshold, Way, Limit, New)) :-
    value_at(Now, Top, Thresholds, New),
    (   Now > Start
    ->  Way = above,
        First is Start + 1,
        Last = Now,
        Beyond is Now + 1
    ;   Way = at_most,
        First is Now + 1,
        Last = Start,
        Beyond = Now
    ),
    (   Beyond >= 1,
        Beyond =< Top
    ->  arg(Beyond, Thresholds, Limit)
    ;   Limit = none
    ),
    between(First, Last, Rung),
    arg(Rung, Thresholds, Threshold),
    arg(Rung, Indexes, List),
    member(Index, List),
    arg(Index, Values, Value).

%   The verification: the values changed as the answer says, and nothing
%   else, decided afresh.

decided_again(Changes, About, Winner) :-
    About = about(KB, Image, Values0, Truths0, Numbers, Observed0, Graph),
    duplicate_term(Values0, Values),
    maplist(change_value(Values), Changes),
    fresh(Truths0, Truths),
    fresh(Observed0, Observed),
    decided(about(KB, Image, Values, Truths, Numbers, Observed, Graph), Winner).

fresh(Term0, Term) :-
    functor(Term0, Name, Arity),
    functor(Term, Name, Arity).

change_value(Values, change(Index, _, _, _, _, New)) :-
    setarg(Index, Values, New).
