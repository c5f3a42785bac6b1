:- module(proofsight_interactions,
          [ applies/4,                  % +KB, ?Kind, +S, +K
            fires/6,                    % +KB, ?Net, ?Image, ?Class, ?K, -Primitive
            score/6,                    % +KB, ?Net, ?Image, ?Class, ?K, ?Score
            masked_score/6,             % +KB, ?Net, ?Image, ?Class, ?K, ?Score
            verified/4,                 % +KB, ?Net, ?Image, ?Class
            unverified/6,               % +KB, ?Net, ?Image, ?Class, ?K, -Error
            decides/6,                  % +KB, ?Net, ?Image, ?Class, ?K, ?Verdict
            shared_decides/6,           % +KB, ?Net, ?Image, ?Class, ?K, ?Verdict
            score_unit/2,               % +KB, -Unit
            mask_regions/3,             % +KB, ?Mask, ?Regions
            keeps/4,                    % +KB, ?Image, ?K, ?Region
            explained/4,                % +KB, ?Net, ?Image, ?Class
            primitives/5,               % +KB, +Net, +Image, +Class, -Primitives
            shared_primitives/5,        % +KB, +Net, +Image, +Class, -Primitives
            sum/4,                      % +Primitives, +K, +Bias, -Score
            verdict/3                   % +Score, +Bound, -Verdict
          ]).
:- use_module(library(lists), [member/2, subset/2]).

:- det(primitives/5).
:- det(shared_primitives/5).
:- det(sum/4).
:- det(verdict/3).

/** <module> Scores as sums of interactions

Of one image with n regions, a network's score of a class is, for every set
of regions that is kept, a bias and the effects of the primitives that apply:
an AND where all of its regions are kept, an OR where any of them is.

Sets of regions are masks: integers, bit i set where region i is in the
set.  Scores and effects are integers, in millionths of the score's unit, so
that their sum is exact; it differs from what the network says by no more
than residual_bound/4, for every mask.  Image is the identity of an image
with its regions and baseline, not of an image that is asked about.

In all of these, KB is the module of a revision.  A primitive is a term
prim(Kind, S, Effect), Kind being `and` or `or` and S a mask.
*/

%!  score_unit(+KB, -Unit) is det.
%
%   Unit is what one log-odds, or one logit, counts.

score_unit(_, 1_000_000).

%!  mask_regions(+KB, ?Mask, ?Regions) is semidet.
%
%   Regions are those of Mask, ascending.  One of the two is given.

mask_regions(_, Mask, Regions) :-
    (   integer(Mask)
    ->  Mask >= 0,
        bits(Mask, 0, Regions)
    ;   is_list(Regions),
        union(Regions, 0, Mask)
    ).

bits(0, _, Bits) =>
    Bits = [].
bits(Mask, Bit, Bits) =>
    Next is Bit + 1,
    Rest is Mask >> 1,
    (   Mask /\ 1 =:= 1
    ->  Bits = [Bit|Bits1]
    ;   Bits = Bits1
    ),
    bits(Rest, Next, Bits1).

union([], Mask0, Mask) :-
    Mask = Mask0.
union([Region|Regions], Mask0, Mask) :-
    integer(Region),
    Region >= 0,
    Region < 64,
    Mask1 is Mask0 \/ (1 << Region),
    union(Regions, Mask1, Mask).

%!  keeps(+KB, ?Image, ?K, ?Region) is nondet.
%
%   Mask K keeps Region.

keeps(KB, Image, K, Region) :-
    mask(KB, Image, K),
    KB:region(Image, Region, _, _),
    K /\ (1 << Region) =\= 0.

%!  applies(+KB, ?Kind, +S, +K) is nondet.
%
%   A primitive of Kind over the regions S is there where the regions K are
%   kept.

applies(_, and, S, K) :- S /\ K =:= S.
applies(_, or,  S, K) :- S /\ K =\= 0.

%!  fires(+KB, ?Net, ?Image, ?Class, ?K, -Primitive) is nondet.
%
%   Primitive is one of those of Net that apply to mask K.

fires(KB, Net, Image, Class, K, prim(Kind, S, Effect)) :-
    explained(KB, Net, Image, Class),
    mask(KB, Image, K),
    KB:interaction(Net, Image, Class, Kind, S, Effect),
    applies(KB, Kind, S, K).

%!  score(+KB, ?Net, ?Image, ?Class, ?K, ?Score) is nondet.
%
%   Score is the bias and the effects of all that fires for mask K.

score(KB, Net, Image, Class, K, Score) :-
    explained(KB, Net, Image, Class),
    KB:bias(Net, Image, Class, Bias),
    primitives(KB, Net, Image, Class, Primitives),
    mask(KB, Image, K),
    sum(Primitives, K, Bias, Score0),
    Score = Score0.

%!  explained(+KB, ?Net, ?Image, ?Class) is nondet.
%
%   There is a score of Class by Net for Image.

explained(KB, Net, Image, Class) :-
    KB:bias(Net, Image, Class, _).

%!  primitives(+KB, +Net, +Image, +Class, -Primitives) is det.

primitives(KB, Net, Image, Class, Primitives) :-
    findall(prim(Kind, S, Effect),
            KB:interaction(Net, Image, Class, Kind, S, Effect),
            Primitives).

%!  shared_primitives(+KB, +Net, +Image, +Class, -Primitives) is det.
%
%   Those that all networks of the image have: shared_bound/4 is of these.

shared_primitives(KB, Net, Image, Class, Primitives) :-
    findall(Other, explained(KB, Other, Image, Class), Networks),
    findall(prim(Kind, S, Effect),
            ( KB:shared(Image, Class, Kind, S, Nets, _),
              subset(Networks, Nets),
              KB:interaction(Net, Image, Class, Kind, S, Effect)
            ),
            Primitives).

%!  sum(+Primitives, +K, +Bias, -Score) is det.
%
%   Score is Bias and the effects of those of Primitives that apply to K.

sum([], _, Score0, Score) =>
    Score = Score0.
sum([prim(and, S, Effect)|Primitives], K, Score0, Score) =>
    (   S /\ K =:= S
    ->  Score1 is Score0 + Effect,
        sum(Primitives, K, Score1, Score)
    ;   sum(Primitives, K, Score0, Score)
    ).
sum([prim(or, S, Effect)|Primitives], K, Score0, Score) =>
    (   S /\ K =\= 0
    ->  Score1 is Score0 + Effect,
        sum(Primitives, K, Score1, Score)
    ;   sum(Primitives, K, Score0, Score)
    ).

mask(KB, Image, K) :-
    KB:regions(Image, N),
    Full is (1 << N) - 1,
    between(0, Full, K).

%!  masked_score(+KB, ?Net, ?Image, ?Class, ?K, ?Score) is nondet.
%
%   What Net itself says where the regions K are kept, rounded.  The fact
%   masked_scores(Net, Image, Class, First, Scores) has those of the masks
%   from First on.

masked_score(KB, Net, Image, Class, K, Score) :-
    (   integer(K)
    ->  K >= 0,
        KB:masked_scores(Net, Image, Class, First, Scores),
        At is K - First,
        At >= 0,
        nth(Scores, At, Score)
    ;   KB:masked_scores(Net, Image, Class, First, Scores),
        counted(Scores, First, K, Score)
    ).

nth([Score0|Scores], At, Score) :-
    (   At =:= 0
    ->  Score = Score0
    ;   At1 is At - 1,
        nth(Scores, At1, Score)
    ).

counted([Score|_], K, K, Score).
counted([_|Scores], K0, K, Score) :-
    K1 is K0 + 1,
    counted(Scores, K1, K, Score).

%!  verified(+KB, ?Net, ?Image, ?Class) is nondet.
%
%   For every mask, the score differs from what the network says by the
%   residual bound at most, and no mask is left out.

verified(KB, Net, Image, Class) :-
    explained(KB, Net, Image, Class),
    KB:residual_bound(Net, Image, Class, Bound),
    KB:regions(Image, N),
    KB:bias(Net, Image, Class, Bias),
    primitives(KB, Net, Image, Class, Primitives),
    findall(First-Scores, KB:masked_scores(Net, Image, Class, First, Scores), Rows0),
    keysort(Rows0, Rows),
    Count is 1 << N,
    rows_within(Rows, 0, Count, Primitives, Bias, Bound).

rows_within([], K, Count, _, _, _) :-
    K =:= Count.
rows_within([First-Scores|Rows], K, Count, Primitives, Bias, Bound) :-
    First =:= K,
    within(Scores, K, Next, Primitives, Bias, Bound),
    rows_within(Rows, Next, Count, Primitives, Bias, Bound).

within([], K0, K, _, _, _) :-
    K = K0.
within([Said|Scores], K0, K, Primitives, Bias, Bound) :-
    sum(Primitives, K0, Bias, Score),
    abs(Said - Score) =< Bound,
    K1 is K0 + 1,
    within(Scores, K1, K, Primitives, Bias, Bound).

%!  unverified(+KB, ?Net, ?Image, ?Class, ?K, -Error) is nondet.
%
%   For mask K the score is Error away from what the network says, which is
%   more than the residual bound.

unverified(KB, Net, Image, Class, K, Error) :-
    explained(KB, Net, Image, Class),
    KB:residual_bound(Net, Image, Class, Bound),
    KB:bias(Net, Image, Class, Bias),
    primitives(KB, Net, Image, Class, Primitives),
    masked_score(KB, Net, Image, Class, K, Said),
    sum(Primitives, K, Bias, Score),
    Error is Score - Said,
    abs(Error) > Bound.

%!  decides(+KB, ?Net, ?Image, ?Class, ?K, ?Verdict) is nondet.
%
%   Verdict on mask K is `yes` where the score is above the residual bound,
%   so that the network's own is above 0; `no` where it is below minus that;
%   else `open`.

decides(KB, Net, Image, Class, K, Verdict) :-
    explained(KB, Net, Image, Class),
    KB:residual_bound(Net, Image, Class, Bound),
    score(KB, Net, Image, Class, K, Score),
    verdict(Score, Bound, Verdict0),
    Verdict = Verdict0.

%!  shared_decides(+KB, ?Net, ?Image, ?Class, ?K, ?Verdict) is nondet.
%
%   As decides/6, of the bias and the primitives that all networks share
%   alone, within shared_bound/4, which is their own.

shared_decides(KB, Net, Image, Class, K, Verdict) :-
    explained(KB, Net, Image, Class),
    KB:shared_bound(Net, Image, Class, Bound),
    KB:bias(Net, Image, Class, Bias),
    shared_primitives(KB, Net, Image, Class, Primitives),
    mask(KB, Image, K),
    sum(Primitives, K, Bias, Score),
    verdict(Score, Bound, Verdict0),
    Verdict = Verdict0.

%!  verdict(+Score, +Bound, -Verdict) is det.

verdict(Score, Bound, Verdict) :-
    (   Score > Bound
    ->  Verdict = yes
    ;   Score < -Bound
    ->  Verdict = no
    ;   Verdict = open
    ).
