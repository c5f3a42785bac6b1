:- encoding(utf8).
:- module(proofsight_interaction_proof,
          [ interaction_answer/4,       % +KB, +Goal, -Status, -Children
            interaction_label/3         % +KB, +Goal, -Text
          ]).
:- use_module(library(apply), [foldl/4, maplist/3]).
:- use_module(library(lists), [member/2]).
:- use_module(library(pairs), [map_list_to_pairs/3, pairs_values/2]).
:- use_module(interactions,
              [ decides/6, mask_regions/3, primitives/5, score/6, sum/4,
                unverified/6
              ]).
:- use_module(interaction_queries,
              [entails/5, necessary/5, sufficient/5, verdicts/5]).

/** <module> Why a score is what it is

The proof of a score is its sum: the bias and the primitives that fire,
strongest first.  What is said of many masks rests on the one that comes
nearest to denying it.
*/

%!  interaction_answer(+KB, +Goal, -Status, -Children) is semidet.
%
%   Status of Goal, about the interactions of one network and one image, is
%   PROVED or ABSENT, and Children are goals, as in interpreter.pl.  Fails of
%   other goals, and of those that leave open whom they are about.

interaction_answer(KB, Goal, Status, Children) :-
    about(Goal, Net, Image, Class),
    atom(Net), atom(Image), atom(Class),
    KB:bias(Net, Image, Class, _),
    answer(Goal, KB, Status, Children).

about(score(Net, Image, Class, _, _), Net, Image, Class).
about(decides(Net, Image, Class, _, _), Net, Image, Class).
about(fires(Net, Image, Class, _, _), Net, Image, Class).
about(verified(Net, Image, Class), Net, Image, Class).
about(entails(Net, Image, Class, _), Net, Image, Class).
about(sufficient(Net, Image, Class, _), Net, Image, Class).
about(necessary(Net, Image, Class, _), Net, Image, Class).

%   answer(+Goal, +KB, -Status, -Children)

answer(score(Net, Image, Class, K, Score), KB, Status, Children) :-
    integer(K),
    score(KB, Net, Image, Class, K, Actual),
    (   Score = Actual
    ->  Status = 'PROVED',
        summands(KB, Net, Image, Class, K, Children)
    ;   Status = 'ABSENT',
        Children = [score(Net, Image, Class, K, Actual)]
    ).
answer(decides(Net, Image, Class, K, Verdict), KB, Status, Children) :-
    integer(K),
    decides(KB, Net, Image, Class, K, Actual),
    score(KB, Net, Image, Class, K, Score),
    KB:residual_bound(Net, Image, Class, Bound),
    Children = [ score(Net, Image, Class, K, Score),
                 residual_bound(Net, Image, Class, Bound)
               ],
    status(Verdict = Actual, Status).
answer(fires(Net, Image, Class, K, prim(Kind, S, Effect)), KB, Status, Children) :-
    integer(K),
    integer(S),
    Status = 'PROVED',
    KB:interaction(Net, Image, Class, Kind, S, Effect),
    KB:applies(Kind, S, K),
    Children = [interaction(Net, Image, Class, Kind, S, Effect), applies(Kind, S, K)].
answer(verified(Net, Image, Class), KB, Status, Children) :-
    (   unverified(KB, Net, Image, Class, K, Error)
    ->  Status = 'ABSENT',
        Children = [unverified(Net, Image, Class, K, Error)]
    ;   KB:verified(Net, Image, Class),
        farthest(KB, Net, Image, Class, K, Said, Score),
        Status = 'PROVED',
        KB:residual_bound(Net, Image, Class, Bound),
        Children = [ residual_bound(Net, Image, Class, Bound),
                     masked_score(Net, Image, Class, K, Said),
                     score(Net, Image, Class, K, Score)
                   ]
    ).
answer(entails(Net, Image, Class, K), KB, Status, Children) :-
    integer(K),
    status(entails(KB, Net, Image, Class, K), Status),
    weakest(KB, Net, Image, Class, larger(K), Weakest),
    decides(KB, Net, Image, Class, Weakest, Verdict),
    Children = [decides(Net, Image, Class, Weakest, Verdict)].
answer(sufficient(Net, Image, Class, K), KB, Status, Children) :-
    integer(K),
    findall(entails(Net, Image, Class, Less),
            ( mask_regions(KB, K, Regions),
              member(Region, Regions),
              Less is K /\ \(1 << Region)
            ),
            Smaller),
    (   sufficient(KB, Net, Image, Class, K)
    ->  Status = 'PROVED',
        maplist(negated, Smaller, Not),
        Children = [entails(Net, Image, Class, K)|Not]
    ;   Status = 'ABSENT',
        (   entails(KB, Net, Image, Class, K)
        ->  member(Child, Smaller),
            call(KB:Child)
        ;   Child = entails(Net, Image, Class, K)
        ),
        Children = [Child]
    ).
answer(necessary(Net, Image, Class, Region), KB, Status, Children) :-
    integer(Region),
    status(necessary(KB, Net, Image, Class, Region), Status),
    weakest(KB, Net, Image, Class, without(Region), Strongest),
    decides(KB, Net, Image, Class, Strongest, Verdict),
    Children = [decides(Net, Image, Class, Strongest, Verdict)].

negated(Goal, \+ Goal).

:- meta_predicate status(0, -).

status(Goal, Status) :-
    (   call(Goal)
    ->  Status = 'PROVED'
    ;   Status = 'ABSENT'
    ).

%   The bias, and what fires, by falling size.

summands(KB, Net, Image, Class, K, [bias(Net, Image, Class, Bias)|Effects]) :-
    KB:bias(Net, Image, Class, Bias),
    findall(interaction(Net, Image, Class, Kind, S, Effect),
            ( KB:interaction(Net, Image, Class, Kind, S, Effect),
              KB:applies(Kind, S, K)
            ),
            Effects0),
    map_list_to_pairs(rank, Effects0, Pairs0),
    keysort(Pairs0, Pairs),
    pairs_values(Pairs, Effects).

rank(interaction(_, _, _, _, _, Effect), Rank) :-
    Rank is -abs(Effect).

%   The mask whose score is farthest from what the network says.

farthest(KB, Net, Image, Class, K, Said, Score) :-
    KB:bias(Net, Image, Class, Bias),
    primitives(KB, Net, Image, Class, Primitives),
    findall(error(Error, K0, Said0, Score0),
            ( KB:masked_score(Net, Image, Class, K0, Said0),
              sum(Primitives, K0, Bias, Score0),
              Error is abs(Said0 - Score0)
            ),
            [First|Errors]),
    foldl(greater, Errors, First, error(_, K, Said, Score)).

greater(A, B, Greater) :-
    arg(1, A, ErrorA),
    arg(1, B, ErrorB),
    (   ErrorA > ErrorB
    ->  Greater = A
    ;   Greater = B
    ).

%   Of the masks larger than K that of the least score; of those without a
%   region that of the greatest.

weakest(KB, Net, Image, Class, Which, K) :-
    verdicts(KB, Net, Image, Class, Verdicts),
    functor(Verdicts, _, Count),
    Full is Count - 1,
    KB:bias(Net, Image, Class, Bias),
    primitives(KB, Net, Image, Class, Primitives),
    findall(at(Key, K0),
            ( between(0, Full, K0),
              among(Which, K0, Sign),
              sum(Primitives, K0, Bias, Score),
              Key is Sign * Score
            ),
            [First|Others]),
    foldl(greater, Others, First, at(_, K)).

among(larger(K), Larger, -1) :-
    K /\ Larger =:= K.
among(without(Region), K, 1) :-
    K /\ (1 << Region) =:= 0.

%!  interaction_label(+KB, +Goal, -Text:string) is semidet.
%
%   Text is what a fact about interactions says, in units of the score and
%   by the names of regions.

interaction_label(KB, interaction(Net, Image, Class, Kind, S, Effect), Text) :-
    integer(S), integer(Effect),
    KB:bias(Net, Image, Class, _),
    signed(Effect, Number),
    names(KB, Image, S, Names),
    (   KB:shared(Image, Class, Kind, S, Nets, _),
        memberchk(Net, Nets)
    ->  Shared = " (shared)"
    ;   Shared = ""
    ),
    (   S /\ (S - 1) =:= 0
    ->  format(string(Text), '~s: ~s~s', [Number, Names, Shared])
    ;   word(Kind, Word),
        format(string(Text), '~s: ~w of ~s~s', [Number, Word, Names, Shared])
    ).
interaction_label(_, bias(_, _, _, Bias), Text) :-
    integer(Bias),
    signed(Bias, Text).
interaction_label(KB, score(Net, Image, Class, K, Score), Text) :-
    integer(K), integer(Score), atom(Net),
    KB:bias(Net, Image, Class, _),
    signed(Score, Number),
    kept(KB, Image, K, Kept),
    format(string(Text), '~s ~s', [Number, Kept]).
interaction_label(KB, decides(Net, Image, Class, K, _), Text) :-
    integer(K), atom(Net),
    KB:bias(Net, Image, Class, _),
    kept(KB, Image, K, Text).
interaction_label(KB, masked_score(Net, Image, Class, K, Score), Text) :-
    integer(K), integer(Score), atom(Net),
    KB:bias(Net, Image, Class, _),
    signed(Score, Text).
interaction_label(_, residual_bound(_, _, _, Bound), Text) :-
    integer(Bound),
    decimal(Bound, Number),
    string_concat("±", Number, Text).
interaction_label(KB, Goal, Text) :-
    memberchk(Goal, [entails(_, Image, _, K), sufficient(_, Image, _, K)]),
    atom(Image), integer(K),
    KB:regions(Image, _),
    names(KB, Image, K, Text).
interaction_label(KB, necessary(_, Image, _, Region), Text) :-
    atom(Image), integer(Region),
    KB:region(Image, Region, _, Name),
    format(string(Text), '~w', [Name]).

word(and, all).
word(or, any).

kept(KB, Image, K, Text) :-
    KB:regions(Image, N),
    Full is (1 << N) - 1,
    (   K =:= Full
    ->  Text = "with all regions"
    ;   K =:= 0
    ->  Text = "with no region"
    ;   names(KB, Image, K, Names),
        string_concat("with ", Names, Text)
    ).

names(KB, Image, Mask, Text) :-
    mask_regions(KB, Mask, Regions),
    findall(Name,
            ( member(Region, Regions),
              KB:region(Image, Region, _, Name0),
              format(string(Name), '~w', [Name0])
            ),
            Names),
    atomic_list_concat(Names, '; ', Joined),
    atom_string(Joined, Text).

signed(Number, Text) :-
    decimal(Number, Digits),
    (   Number > 0
    ->  string_concat("+", Digits, Text)
    ;   Text = Digits
    ).

decimal(Number, Text) :-
    Value is Number / 1.0e6,
    format(string(Text), '~3f', [Value]).
