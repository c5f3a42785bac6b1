:- module(proofsight_margin,
          [ score_terms/3,              % +Score, +Shift, -Terms
            margin/5,                   % +Terms, +Rival, +Least, +Shift, -Margin
            bound/4,                    % +Margins, +Shift, +Touched, -Bound
            farthest/6,                 % +Margins, +Shift, +Touched, +About, -Bound, -Margin
            margin_repairs/4            % +Margin, +Shift, +About, -Moves
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [append/2, append/3]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(gain, [gain/4, gains/4, least_changes/6, missing/5, steps/3]).
:- use_module(repair, [nearest_moves/2, repairs/5]).
:- use_module(shift, [movable/2, observed_rung/4, standing/3]).
:- use_module(truth, [spec/3, truth/3]).

:- det(score_terms/3).
:- det(margin/5).
:- det(bound/4).
:- det(margin_repairs/4).

/** <module> How far one score is behind another

Most lines of points hang on one value, and add up: what a feature gains
by moving is known beforehand, and the fewest moves are those that gain
most.  A line that hangs on more counts for each of its features as if it
alone could change it, so that a bound is never too high.
*/

%!  score_terms(+Score, +Shift, -Terms) is det.
%
%   Terms is terms(Score, Total, Lines, Steps, Joint) of the node Score in
%   the image: Steps are Feature-step(Level, Points), which reaching Level
%   from below adds; Joint are joint(Points, Truth, Features) of the lines
%   that hang on more than one value.

score_terms(Score, Shift, terms(Score, Total, Lines, Steps, Joint)) :-
    Shift = shift(About, _, _, _),
    truth(Score, About, Total),
    spec(Score, About, score(_, Lines)),
    line_terms(Lines, Shift, About, Steps, Joint).

line_terms([], _, _, Steps, Joint) =>
    Steps = [],
    Joint = [].
line_terms([Points-Clause|Lines], Shift, About, Steps, Joint) =>
    (   single_rung(Clause, Shift, About, Rung, Sign)
    ->  (   Rung = rung(Feature, Level),
            movable(Feature, Shift)
        ->  Signed is Sign * Points,
            Steps = [Feature-step(Level, Signed)|Steps1]
        ;   Steps = Steps1
        ),
        line_terms(Lines, Shift, About, Steps1, Joint)
    ;   truth(Clause, About, Truth),
        cone(Clause, Shift, About, Features),
        Joint = [joint(Points, Truth, Features)|Joint1],
        line_terms(Lines, Shift, About, Steps, Joint1)
    ).

single_rung(Clause, Shift, About, Rung, Sign) :-
    spec(Clause, About, Body),
    Body = clause([Only]),
    spec(Only, About, Spec),
    (   Spec = not(Inner)
    ->  Sign = -1,
        spec(Inner, About, Positive)
    ;   Sign = 1,
        Positive = Spec
    ),
    observed_rung(Positive, Shift, About, Rung).

%   cone(+Id, +Shift, +About, -Features): all that the node hangs on.

cone(Id, Shift, About, Features) :-
    cone_all([Id], Shift, About, [], _, [], Features0),
    sort(Features0, Features).

cone_all([], _, _, Seen0, Seen, Features0, Features) =>
    Seen = Seen0,
    Features = Features0.
cone_all([Id|Ids], Shift, About, Seen0, Seen, Features0, Features) =>
    (   memberchk(Id, Seen0)
    ->  cone_all(Ids, Shift, About, Seen0, Seen, Features0, Features)
    ;   spec(Id, About, Spec),
        (   observed_rung(Spec, Shift, About, Rung)
        ->  (   Rung = rung(Feature, _)
            ->  Features1 = [Feature|Features0]
            ;   Features1 = Features0
            ),
            cone_all(Ids, Shift, About, [Id|Seen0], Seen, Features1, Features)
        ;   beneath(Spec, Inner),
            cone_all(Inner, Shift, About, [Id|Seen0], Seen1, Features0, Features1),
            cone_all(Ids, Shift, About, Seen1, Seen, Features1, Features)
        )
    ).

beneath(active(_, _, _, Clauses), Ids) => Ids = Clauses.
beneath(any(Clauses), Ids) => Ids = Clauses.
beneath(clause(Body), Ids) => Ids = Body.
beneath(not(Inner), Ids) => Ids = [Inner].
beneath(at_least(_, Inner), Ids) => Ids = Inner.

%!  margin(+Terms, +Rival, +Least, +Shift, -Margin) is det.
%
%   Margin is what the score of Terms needs to be greater than that of
%   Rival, two score_terms/3, by Least, 0 or 1:
%   margin(Terms, Rival, Least, Need, Gains, Table).  Need is what is
%   missing in the image; for Gains and Table see gain.pl.

margin(Terms, Rival, Least, Shift, margin(Terms, Rival, Least, Need, Gains, Table)) :-
    Terms = terms(_, Total, _, Steps, Joint),
    Rival = terms(_, RivalTotal, _, RivalSteps, RivalJoint),
    Need is Least + RivalTotal - Total,
    joint_chances(Joint, no, Chances),
    joint_chances(RivalJoint, yes, RivalChances),
    negative(RivalSteps, Negative),
    append([Steps, Negative, Chances, RivalChances], All),
    gains(All, Shift, Table, Gains).

negative([], Negative) =>
    Negative = [].
negative([Feature-step(Level, Points)|Steps], Negative) =>
    Fewer is -Points,
    Negative = [Feature-step(Level, Fewer)|Negative1],
    negative(Steps, Negative1).

%   Positive points help where the line is yet to be as Missing, negative
%   points where it is not.

joint_chances([], _, Chances) =>
    Chances = [].
joint_chances([joint(Points, Truth, Features)|Joint], Missing, Chances) =>
    (   helps(Points, Truth, Missing)
    ->  Chance is abs(Points),
        chances(Features, Chance, Chances, Chances1)
    ;   Chances = Chances1
    ),
    joint_chances(Joint, Missing, Chances1).

helps(Points, Truth, Missing) :-
    (   Truth == no
    ->  Now = no
    ;   Now = yes
    ),
    (   Points > 0
    ->  Now == Missing
    ;   Now \== Missing
    ).

chances([], _, Chances, Tail) =>
    Chances = Tail.
chances([Feature|Features], Chance, Chances, Tail) =>
    Chances = [Feature-chance(Chance)|Chances1],
    chances(Features, Chance, Chances1, Tail).

%!  bound(+Margins, +Shift, +Touched, -Bound) is det.
%
%   At least Bound more propositions must change to close all Margins; `inf`
%   where no change does.  Touched is touched(Moved, Open): the features that
%   moved, and those that may go on from where they stand.

bound(Margins, Shift, Touched, Bound) :-
    bound(Margins, Shift, Touched, 0, none, Bound, _).

bound([], _, _, Bound0, Margin0, Bound, Margin) =>
    Bound = Bound0,
    Margin = Margin0.
bound([Margin1|Margins], Shift, Touched, Bound0, Margin0, Bound, Margin) =>
    still_missing(Margin1, Shift, Touched, Missing),
    (   Missing =< 0
    ->  bound(Margins, Shift, Touched, Bound0, Margin0, Bound, Margin)
    ;   Margin1 = margin(_, _, _, _, Gains, Table),
        Touched = touched(_, Open),
        least_changes(Gains, Table, Open, Shift, Missing, Count),
        (   Count == inf
        ->  Bound = inf,
            Margin = Margin1
        ;   Count > Bound0
        ->  bound(Margins, Shift, Touched, Count, Margin1, Bound, Margin)
        ;   bound(Margins, Shift, Touched, Bound0, Margin0, Bound, Margin)
        )
    ).

still_missing(margin(_, _, _, Need, _, Table), Shift, touched(Moved, _), Missing) :-
    missing(Moved, Table, Shift, Need, Missing).

%!  farthest(+Margins, +Shift, +Touched, +About, -Bound, -Margin) is semidet.
%
%   Margin is the one of Margins that needs most changes, Bound of them at
%   least.  Fails where all are closed in About.

farthest(Margins, Shift, Touched, About, Bound, Margin) :-
    bound(Margins, Shift, Touched, 0, none, Bound0, Margin0),
    (   Margin0 \== none
    ->  Bound = Bound0,
        Margin = Margin0
    ;   open_margin(Margins, About, Margin),
        Bound = 1
    ).

%   Where lines hang on more than one value, closed bounds are not enough.

open_margin([Margin0|Margins], About, Margin) :-
    Margin0 = margin(terms(Score, _, _, _, Joint), terms(RivalScore, _, _, _, RivalJoint),
                     Least, _, _, _),
    (   ( Joint \== [] ; RivalJoint \== [] ),
        truth(Score, About, Total),
        truth(RivalScore, About, RivalTotal),
        Total < RivalTotal + Least
    ->  Margin = Margin0
    ;   open_margin(Margins, About, Margin)
    ).

%!  margin_repairs(+Margin, +Shift, +About, -Moves) is det.
%
%   Whatever closes Margin, which is open in About, makes at least one of
%   Moves.  Those that gain most come first, then in the order of features.

margin_repairs(Margin, Shift, About, Moves) :-
    Margin = margin(terms(_, _, Lines, _, _), terms(_, _, RivalLines, _, _), _, _, _, Table),
    line_repairs(Lines, 1, Shift, About, Moves0, Moves1),
    line_repairs(RivalLines, -1, Shift, About, Moves1, []),
    nearest_moves(Moves0, Nearest),
    maplist(by_gain(Table, Shift), Nearest, Keyed0),
    keysort(Keyed0, Keyed),
    pairs_values(Keyed, Moves).

by_gain(Table, Shift, Move, Negative-Move) :-
    arg(1, Move, Feature),
    arg(2, Move, Level),
    (   steps(Feature, Table, Steps)
    ->  standing(Feature, Shift, Standing),
        Standing = at(_, _, Start, Now),
        gain(Steps, Start, Now, Already),
        gain(Steps, Start, Level, Gain),
        Negative is Already - Gain
    ;   Negative = 0
    ).

line_repairs([], _, _, _, Moves, Tail) =>
    Moves = Tail.
line_repairs([Points-Clause|Lines], Sign, Shift, About, Moves, Tail) =>
    truth(Clause, About, Truth),
    (   Sign * Points > 0
    ->  Wanted = yes
    ;   Wanted = no
    ),
    (   agreed(Truth, Wanted)
    ->  line_repairs(Lines, Sign, Shift, About, Moves, Tail)
    ;   repairs(Clause, Wanted, Shift, About, Moves1),
        append(Moves1, Moves2, Moves),
        line_repairs(Lines, Sign, Shift, About, Moves2, Tail)
    ).

agreed(no, Wanted) =>
    Wanted == no.
agreed(_, Wanted) =>
    Wanted == yes.
