:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module(library(aggregate)).
:- use_module(library(lists)).
:- use_module(library(random)).
:- use_module('../../prolog/proofsight', []).
:- use_module('../../prolog/proofsight/check').
:- use_module('../../prolog/proofsight/revision').
:- use_module('../../prolog/proofsight/service').
:- use_module(asked, [explained/5, queried/6]).
:- use_module(written_revision).

/** <module> Scores as sums of interactions

Every query against its definition, over drawn interactions of two networks.
*/

:- begin_tests(interactions).

%   with_interactions(+Seed, +Error, :Goal): Goal is called with a KB that has
%   drawn interactions of nets a and b in 4 regions of the image `cat_1`, whose
%   bound is 300000, and masked scores within Error of them.

:- meta_predicate with_interactions(+, +, 1).

with_interactions(Seed, Error, Goal) :-
    set_random(seed(Seed)),
    with_output_to(string(Text), annex(Error)),
    with_revision(['rules.pl'="default_class(a).\n", 'interactions/cat.pl'=Text],
                  loaded(Goal)).

loaded(Goal, Directory) :-
    load_revision(Directory, KB, _, Issues),
    (   errors(Issues, [])
    ->  true
    ;   print_message(error, format("~p", [Issues])),
        fail
    ),
    call_cleanup(call(Goal, KB), unload_revision(KB)).

annex(Error) :-
    format("regions(cat_1, 4).~n"),
    forall(nth0(I, [ear, 'left eye', nose, tail], Name),
           format("region(cat_1, ~d, box(0, 0, 1, 1), ~q).~n", [I, Name])),
    forall(member(Net, [a, b]), network(Net, Error)),
    format("shared(cat_1, cat, and, 3, [a, b], same_sign).~n").

network(Net, Error) :-
    random_between(-2000000, 500000, Bias),
    format("bias(~q, cat_1, cat, ~d).~n", [Net, Bias]),
    format("residual_bound(~q, cat_1, cat, 300000).~n", [Net]),
    format("shared_bound(~q, cat_1, cat, 900000).~n", [Net]),
    findall(prim(Kind, S, E),
            ( member(Kind-S, [and-3, and-1, and-4, and-14, or-6, or-9, and-15]),
              random_between(-1500000, 2500000, E)
            ),
            Primitives),
    forall(member(prim(Kind, S, E), Primitives),
           format("interaction(~q, cat_1, cat, ~q, ~d, ~d).~n", [Net, Kind, S, E])),
    findall(V,
            ( between(0, 15, K),
              slow_sum(Primitives, K, Sum),
              random_between(0, Error, Off),
              V is Bias + Sum + Off
            ),
            Vs),
    length(First, 8),
    append(First, Second, Vs),
    format("masked_scores(~q, cat_1, cat, 0, ~w).~n", [Net, First]),
    format("masked_scores(~q, cat_1, cat, 8, ~w).~n", [Net, Second]).

slow_sum(Primitives, K, Sum) :-
    aggregate_all(sum(E),
                  ( member(prim(Kind, S, E), Primitives), slow_applies(Kind, S, K) ),
                  Sum).

slow_applies(and, S, K) :- forall(bit(S, I), bit(K, I)).
slow_applies(or, S, K) :- once(( bit(S, I), bit(K, I) )).

bit(Mask, I) :- between(0, 3, I), Mask /\ (1 << I) =\= 0.

slow_score(KB, Net, K, Score) :-
    between(0, 15, K),
    KB:bias(Net, cat_1, cat, Bias),
    findall(prim(Kind, S, E), KB:interaction(Net, cat_1, cat, Kind, S, E), Primitives),
    slow_sum(Primitives, K, Sum),
    Score is Bias + Sum.

slow_decides(KB, Net, K, Verdict) :-
    slow_score(KB, Net, K, Score),
    (   Score > 300000 -> Verdict0 = yes
    ;   Score < -300000 -> Verdict0 = no
    ;   Verdict0 = open
    ),
    Verdict = Verdict0.

slow_entails(KB, Net, K) :-
    between(0, 15, K),
    forall(( between(0, 15, Larger), K /\ Larger =:= K ),
           slow_decides(KB, Net, Larger, yes)).

slow_sufficient(KB, Net, K) :-
    slow_entails(KB, Net, K),
    \+ ( between(0, 15, Part), Part /\ K =:= Part, Part =\= K, slow_entails(KB, Net, Part) ).

%   agree(+KB, ?Template, :Fast, :Slow): both have the same answers.

:- meta_predicate agree(?, 0, 0).

agree(Template, Fast, Slow) :-
    findall(Template, Fast, Found0),
    findall(Template, Slow, Expected0),
    msort(Found0, Found),
    msort(Expected0, Expected),
    (   Found == Expected
    ->  true
    ;   format(user_error, "~q~nis not~n~q~n", [Found, Expected]),
        fail
    ).

queries(KB) :-
    forall(member(Net, [a, b]), queries(KB, Net)),
    agree(K,
          KB:disagree(cat_1, cat, a, b, K),
          ( slow_decides(KB, a, K, yes), slow_decides(KB, b, K, no) )).

queries(KB, Net) :-
    agree(K-S, KB:score(Net, cat_1, cat, K, S), slow_score(KB, Net, K, S)),
    agree(K-V, KB:decides(Net, cat_1, cat, K, V), slow_decides(KB, Net, K, V)),
    agree(K, KB:entails(Net, cat_1, cat, K), slow_entails(KB, Net, K)),
    agree(K, KB:sufficient(Net, cat_1, cat, K), slow_sufficient(KB, Net, K)),
    agree(I,
          KB:necessary(Net, cat_1, cat, I),
          ( between(0, 3, I),
            forall(( between(0, 15, K), \+ bit(K, I) ), slow_decides(KB, Net, K, no))
          )),
    agree(K-P,
          KB:fires(Net, cat_1, cat, K, P),
          ( between(0, 15, K),
            KB:interaction(Net, cat_1, cat, Kind, S, E),
            slow_applies(Kind, S, K),
            P = prim(Kind, S, E)
          )),
    agree(K-P-M,
          KB:missing(Net, cat_1, cat, K, P, M),
          ( between(0, 15, K),
            KB:interaction(Net, cat_1, cat, Kind, S, E),
            \+ slow_applies(Kind, S, K),
            P = prim(Kind, S, E),
            M is S /\ \K
          )),
    agree(K-P-V,
          KB:flips(Net, cat_1, cat, K, P, V),
          ( slow_score(KB, Net, K, Score),
            slow_decides(KB, Net, K, Before),
            KB:fires(Net, cat_1, cat, K, P),
            P = prim(_, _, E),
            (   Score - E > 300000 -> V = yes
            ;   Score - E < -300000 -> V = no
            ;   V = open
            ),
            V \== Before
          )),
    agree(S, KB:specific(Net, cat_1, cat, and, S, _), member(S, [1, 4, 14, 15])),
    agree(K,
          KB:undecided(Net, cat_1, cat, K),
          ( between(0, 15, K),
            KB:bias(Net, cat_1, cat, B),
            KB:interaction(Net, cat_1, cat, and, 3, E),
            (   K /\ 3 =:= 3
            ->  abs(B + E) =< 900000
            ;   abs(B) =< 900000
            )
          )).

test('queries answer what their definitions say', [forall(between(1, 8, Seed))]) :-
    with_interactions(Seed, 300000, queries).

test('primitives of some networks decide nothing as shared: shared_bound is of those of all') :-
    with_interactions(1, 0, partly_shared).

partly_shared(KB) :-
    assertz(KB:bias(c, cat_1, cat, 0)),
    agree(K,
          KB:undecided(a, cat_1, cat, K),
          ( between(0, 15, K), KB:bias(a, cat_1, cat, B), abs(B) =< 900000 )),
    assertz(KB:shared(cat_1, cat, and, 3, [c, b, a], same_sign)),
    agree(K,
          KB:shared_decides(a, cat_1, cat, K, yes),
          ( between(0, 15, K),
            KB:bias(a, cat_1, cat, B),
            KB:interaction(a, cat_1, cat, and, 3, E),
            (   K /\ 3 =:= 3 -> B + E > 900000 ; B > 900000 )
          )).

test('the sum is a theorem over all masks', Nets == [a, b]) :-
    with_interactions(1, 300000, verified_nets(Nets)).
test('and none where one effect is altered by more than twice the bound',
     [ forall(member(Kind-S, [and-3, or-9, and-15])), Nets == [b] ]) :-
    with_interactions(1, 300000, altered(Kind, S, 600001, Nets)).
test('and none where a mask is left out', Nets == [b]) :-
    with_interactions(1, 300000, shortened(Nets)).

verified_nets(Nets, KB) :-
    findall(Net, KB:verified(Net, cat_1, cat), Nets).

altered(Kind, S, By, Nets, KB) :-
    retract(KB:interaction(a, cat_1, cat, Kind, S, E0)),
    E is E0 + By,
    assertz(KB:interaction(a, cat_1, cat, Kind, S, E)),
    verified_nets(Nets, KB),
    once(KB:unverified(a, cat_1, cat, _, _)).

shortened(Nets, KB) :-
    retract(KB:masked_scores(a, cat_1, cat, 8, _)),
    verified_nets(Nets, KB).

test('a mask reads as its regions and back', [forall(between(0, 15, K)), Again == K]) :-
    with_interactions(1, 0, listed(K, Again)).

listed(K, Again, KB) :-
    KB:mask_regions(K, Regions),
    findall(I, bit(K, I), Regions),
    KB:mask_regions(Again, Regions).

test('the proof of a score is its sum', Total == Score) :-
    with_interactions(2, 0, summed(11, Score, Total)).

summed(K, Score, Total, KB) :-
    KB:score(a, cat_1, cat, K, Score),
    proofsight_proof:root(KB, score(a, cat_1, cat, K, Score), none(), Root),
    proofsight_proof:nodes(Root, 1000, Nodes0, _),
    proofsight_encoding:nodes_terms(Nodes0, [node(_, _, 'PROVED', Children, _)|Nodes]),
    length(Children, Count),
    length(Nodes, Count),
    aggregate_all(sum(Term),
                  ( member(node(Goal, _, 'FACT', [], [label(_)]), Nodes),
                    arg(_, Goal, Term),
                    integer(Term),
                    \+ ( Goal = interaction(_, _, _, _, Term, _) )
                  ),
                  Total).

test('every proof about interactions can be shown', [forall(provable(Goal))]) :-
    with_interactions(3, 300000, shown(Goal)).

provable(verified(a, cat_1, cat)).
provable(decides(a, cat_1, cat, 15, _)).
provable(decides(a, cat_1, cat, 0, yes)).
provable(score(a, cat_1, cat, 15, 1)).
provable(entails(a, cat_1, cat, 15)).
provable(entails(a, cat_1, cat, 0)).
provable(sufficient(a, cat_1, cat, 15)).
provable(sufficient(b, cat_1, cat, _)).
provable(necessary(a, cat_1, cat, 0)).
provable(fires(a, cat_1, cat, 15, _)).
provable(unverified(a, cat_1, cat, _, _)).

shown(Goal, KB) :-
    ignore(KB:Goal),
    proofsight_proof:root(KB, Goal, none(), Root),
    proofsight_proof:nodes(Root, 1000, Nodes, CutShort),
    proofsight_encoding:nodes_terms(Nodes, Terms),
    proofsight_show:proof_lines(proof(Terms, CutShort), Lines),
    forall(member(Line, Lines), string(Line)).

test('labels say effects in words', Label == "+0.812: all of ear; left eye (shared)") :-
    with_interactions(1, 0, labelled(interaction(a, cat_1, cat, and, 3, 812004), Label)).
test('an OR reads as any', Label == "-0.095: any of left eye; nose") :-
    with_interactions(1, 0, labelled(interaction(a, cat_1, cat, or, 6, -95120), Label)).
test('one region needs no word', Label == "+1.000: tail") :-
    with_interactions(1, 0, labelled(interaction(a, cat_1, cat, and, 8, 1000000), Label)).

labelled(Goal, Label, KB) :-
    proofsight_interaction_proof:interaction_label(KB, Goal, Label).

issues(Lines, Found) :-
    string_concat("regions(cat_1, 4).\n", Lines, Text),
    with_revision(['rules.pl'="default_class(a).\n", 'interactions/cat.pl'=Text],
                  issues_in(Found)).

issues_in(Found, Directory) :-
    check_directory(Directory, _, Issues),
    findall(Line:Code, member(issue(error, Code, _, Line, _, _), Issues), Found).

test('what a network says is of an image of the file', Found == [2:undeclared_id]) :-
    issues("bias(a, dog_1, cat, 3).\n", Found).
test('kinds are and and or', Found == [2:bad_argument]) :-
    issues("interaction(a, cat_1, cat, xor, 3, 5).\n", Found).
test('effects are whole', Found == [2:bad_argument]) :-
    issues("interaction(a, cat_1, cat, and, 3, 0.5).\n", Found).

test(a_second_image_of_the_same_networks_leaves_the_answers_of_the_first) :-
    findall(Goal,
            member(Goal, [ sufficient(a, cat_1, cat, _), necessary(a, cat_1, cat, _),
                           entails(a, cat_1, cat, _), disagree(cat_1, cat, a, _, _)
                         ]),
            Goals),
    set_random(seed(3)),
    with_output_to(string(Cat), annex(0)),
    with_revision(['rules.pl'="default_class(a).\n", 'interactions/cat.pl'=Cat],
                  loaded(all_answers(Goals, Alone))),
    Dog = "regions(dog_2, 1).\nregion(dog_2, 0, box(0, 0, 1, 1), all).\n\
bias(a, dog_2, cat, 3).\nresidual_bound(a, dog_2, cat, 1).\nshared_bound(a, dog_2, cat, 1).\n\
interaction(a, dog_2, cat, and, 1, 5).\nmasked_scores(a, dog_2, cat, 0, [3, 8]).\n",
    with_revision(['rules.pl'="default_class(a).\n", 'interactions/cat.pl'=Cat,
                   'interactions/dog.pl'=Dog],
                  loaded(all_answers(Goals, Both))),
    Both == Alone.

all_answers(Goals, Answers, KB) :-
    findall(Goal, ( member(Goal, Goals), call(KB:Goal) ), Answers).

:- end_tests(interactions).
