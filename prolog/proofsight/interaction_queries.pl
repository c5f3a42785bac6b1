:- module(proofsight_interaction_queries,
          [ entails/5,                  % +KB, ?Net, ?Image, ?Class, ?K
            sufficient/5,               % +KB, ?Net, ?Image, ?Class, ?K
            necessary/5,                % +KB, ?Net, ?Image, ?Class, ?Region
            missing/7,                  % +KB, ?Net, ?Image, ?Class, ?K, -Primitive, -Regions
            flips/7,                    % +KB, ?Net, ?Image, ?Class, ?K, -Primitive, -Verdict
            disagree/6,                 % +KB, ?Image, ?Class, ?Net, ?Other, ?K
            undecided/5,                % +KB, ?Net, ?Image, ?Class, ?K
            specific/7,                 % +KB, ?Net, ?Image, ?Class, ?Kind, ?S, ?Effect
            verdicts/5                  % +KB, +Net, +Image, +Class, -Verdicts
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(interactions,
              [ applies/4, decides/6, explained/4, primitives/5,
                shared_decides/6, sum/4, verdict/3
              ]).

:- det(verdicts/5).

/** <module> What the interactions of an image are asked

Nothing is tabled, so that nothing outlives a request: where all masks
matter, their verdicts are computed once, into one term.
*/

%!  verdicts(+KB, +Net, +Image, +Class, -Verdicts) is det.
%
%   Argument K + 1 of the term Verdicts is the verdict on mask K.

verdicts(KB, Net, Image, Class, Verdicts) :-
    once(KB:regions(Image, N)),         % of several images, clauses leave choice points
    once(KB:bias(Net, Image, Class, Bias)),
    once(KB:residual_bound(Net, Image, Class, Bound)),
    primitives(KB, Net, Image, Class, Primitives),
    Full is (1 << N) - 1,
    findall(Verdict,
            ( between(0, Full, K),
              sum(Primitives, K, Bias, Score),
              verdict(Score, Bound, Verdict)
            ),
            List),
    compound_name_arguments(Verdicts, verdicts, List).

%!  entails(+KB, ?Net, ?Image, ?Class, ?K) is nondet.
%
%   The verdict is yes on K and on every larger mask: whatever else is shown,
%   the regions K are enough.

entails(KB, Net, Image, Class, K) :-
    explained(KB, Net, Image, Class),
    enough(KB, Net, Image, Class, Full, Enough),
    between(0, Full, K),
    At is K + 1,
    arg(At, Enough, true).

%   enough(+KB, +Net, +Image, +Class, -Full, -Enough): argument K + 1 of Enough
%   is `true` where K entails the class, else `false`.  From the full mask down:
%   a mask does where it is decided so and each with one region more does.

enough(KB, Net, Image, Class, Full, Enough) :-
    verdicts(KB, Net, Image, Class, Verdicts),
    functor(Verdicts, _, Count),
    Full is Count - 1,
    functor(Enough, enough, Count),
    fill(Full, Full, Verdicts, Enough).

fill(K, Full, Verdicts, Enough) :-
    (   K < 0
    ->  true
    ;   At is K + 1,
        arg(At, Verdicts, Verdict),
        arg(At, Enough, Whether),
        (   Verdict == yes,
            Absent is Full /\ \K,
            all_larger(Absent, K, Enough)
        ->  Whether = true
        ;   Whether = false
        ),
        Less is K - 1,
        fill(Less, Full, Verdicts, Enough)
    ).

all_larger(0, _, _) :-
    !.
all_larger(Absent, K, Enough) :-
    Lowest is Absent /\ -Absent,
    At is (K \/ Lowest) + 1,
    arg(At, Enough, true),
    Rest is Absent /\ \Lowest,
    all_larger(Rest, K, Enough).

%!  sufficient(+KB, ?Net, ?Image, ?Class, ?K) is nondet.
%
%   K entails the class and no part of K does: a prime implicant.

sufficient(KB, Net, Image, Class, K) :-
    explained(KB, Net, Image, Class),
    enough(KB, Net, Image, Class, Full, Enough),
    between(0, Full, K),
    At is K + 1,
    arg(At, Enough, true),
    \+ smaller(K, K, Enough).

%   Larger masks than one that entails do too, so that one region less tells.

smaller(Left, K, Enough) :-
    Left =\= 0,
    Lowest is Left /\ -Left,
    At is (K /\ \Lowest) + 1,
    (   arg(At, Enough, true)
    ->  true
    ;   Rest is Left /\ \Lowest,
        smaller(Rest, K, Enough)
    ).

%!  necessary(+KB, ?Net, ?Image, ?Class, ?Region) is nondet.
%
%   Without Region, the verdict is no, whichever of the others are kept.

necessary(KB, Net, Image, Class, Region) :-
    explained(KB, Net, Image, Class),
    verdicts(KB, Net, Image, Class, Verdicts),
    KB:region(Image, Region, _, _),
    Bit is 1 << Region,
    forall(( arg(At, Verdicts, Verdict),
             (At - 1) /\ Bit =:= 0
           ),
           Verdict == no).

%!  missing(+KB, ?Net, ?Image, ?Class, ?K, -Primitive, -Regions) is nondet.
%
%   Primitive does not apply to mask K, and Regions, a mask, are those of it
%   that K lacks: all of them would have to be kept for an AND, one for an OR.

missing(KB, Net, Image, Class, K, prim(Kind, S, Effect), Regions) :-
    explained(KB, Net, Image, Class),
    decides(KB, Net, Image, Class, K, _),
    KB:interaction(Net, Image, Class, Kind, S, Effect),
    \+ applies(KB, Kind, S, K),
    Regions is S /\ \K.

%!  flips(+KB, ?Net, ?Image, ?Class, ?K, -Primitive, -Verdict) is nondet.
%
%   Without Primitive, which fires for mask K, the verdict on K would be
%   another: Verdict.

flips(KB, Net, Image, Class, K, prim(Kind, S, Effect), Verdict) :-
    explained(KB, Net, Image, Class),
    KB:regions(Image, N),
    KB:bias(Net, Image, Class, Bias),
    KB:residual_bound(Net, Image, Class, Bound),
    primitives(KB, Net, Image, Class, Primitives),
    Full is (1 << N) - 1,
    between(0, Full, K),
    sum(Primitives, K, Bias, Score),
    verdict(Score, Bound, Before),
    member(prim(Kind, S, Effect), Primitives),
    applies(KB, Kind, S, K),
    Without is Score - Effect,
    verdict(Without, Bound, After),
    After \== Before,
    Verdict = After.

%!  disagree(+KB, ?Image, ?Class, ?Net, ?Other, ?K) is nondet.
%
%   On mask K the verdict of Net is yes and that of Other is no.

disagree(KB, Image, Class, Net, Other, K) :-
    explained(KB, Net, Image, Class),
    explained(KB, Other, Image, Class),
    Net \== Other,
    verdicts(KB, Net, Image, Class, Ours),
    verdicts(KB, Other, Image, Class, Theirs),
    functor(Ours, _, Count),
    Full is Count - 1,
    between(0, Full, K),
    At is K + 1,
    arg(At, Ours, yes),
    arg(At, Theirs, no).

%!  undecided(+KB, ?Net, ?Image, ?Class, ?K) is nondet.
%
%   The shared primitives alone leave mask K open.

undecided(KB, Net, Image, Class, K) :-
    shared_decides(KB, Net, Image, Class, K, open).

%!  specific(+KB, ?Net, ?Image, ?Class, ?Kind, ?S, ?Effect) is nondet.
%
%   A primitive that Net does not share.

specific(KB, Net, Image, Class, Kind, S, Effect) :-
    KB:interaction(Net, Image, Class, Kind, S, Effect),
    \+ ( KB:shared(Image, Class, Kind, S, Nets, _),
         memberchk(Net, Nets)
       ).
