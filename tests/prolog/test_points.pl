:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(library(http/json), [atom_json_dict/3]).
:- use_module(library(lists), [member/2, nth0/3, sum_list/2]).
:- use_module(library(random), [random_member/2]).
:- use_module('../../prolog/proofsight').
:- use_module('../../prolog/proofsight/check').
:- use_module('../../prolog/proofsight/encoding').
:- use_module('../../prolog/proofsight/facts').
:- use_module('../../prolog/proofsight/show').
:- use_module('../../prolog/proofsight/proof').
:- use_module('../../prolog/proofsight/service').
:- use_module('../../prolog/proofsight/truth').
:- use_module('../../prolog/proofsight/revision').
:- use_module(asked).
:- use_module(random_program).
:- use_module(written_revision).

/** <module> Programs by points

Random programs on every image there is, ties and unobserved layers
included; and what is answered about scores.
*/

:- begin_tests(points).

test('three ways to decide agree on every image', forall(between(1, 40, Seed))) :-
    set_random(seed(Seed)),
    Size is 1 + Seed mod 12,
    random_points(Size, Program),
    program_text(Program, Text),
    with_revision(['rules.pl'=Text], loaded(KB)),
    forall(every_image(Facts), agrees(KB, Program, Facts)),
    unload_revision(KB).

loaded(KB, Directory) :-
    load_revision(Directory, KB, _, Issues),
    errors(Issues, Errors),
    ( Errors == [] -> true ; print_message(error, format('~p', [Errors])), fail ).

%   Observable propositions below, at and above their thresholds; 0.75 is
%   that of e_high, and `high` may be unobserved.

every_image(facts(img, values(A, B, C, D, E, E, F, G), [])) :-
    member(E, [0.5, 0.75, 0.875]),
    either(A), either(B), either(C), either(D),
    (   F = none,
        G = none
    ;   either(F),
        either(G)
    ).

either(0.5).
either(0.625).

agrees(KB, Program, facts(Image, Values, Predicted)) :-
    carry(KB, Image, Values, Predicted),
    Facts = facts(Image, Values, Predicted),
    twin_decision(Program, Facts, Expected-points),
    findall(Class, KB:decision(_, Class), Plain),
    findall(Class, KB:class(Image, Class), Held),
    about(KB, Image, About),
    decided(About, Winner),
    winning(Winner, Class0),
    findall(C-Points, KB:score(Image, C, Points), Scores),
    findall(C-Points,
            ( member(C, [y, x, z]),
              twin_score(Program, Facts, C, Points)
            ),
            Twins),
    (   Plain == [Expected],
        Held == [Expected],
        Class0 == Expected,
        Scores == Twins,
        forall(member(C, [x, y, z]), proof_adds_up(C, KB, About, Scores, Expected))
    ->  true
    ;   print_message(error, format('~p', [[Expected, Plain, Held, Winner, Scores, Twins, Facts]])),
        fail
    ).

%   The proof of a decision is that of its class and of the second; the
%   refutation has all lines of its class, those that hold first.

proof_adds_up(Class, KB, About, Scores, Winner) :-
    arg(2, About, Image),
    about(KB, Image, Fresh),
    root(KB, decision(Image, Class), Fresh, Root),
    nodes(Root, 100_000, true, Nodes, ''),
    nodes_terms(Nodes, Terms),
    Terms = [node(_, decision, Status, Children, _)|_],
    (   Class == Winner
    ->  Status == 'PROVED'
    ;   Status == 'ABSENT'
    ),
    forall(( member(node(score(_, C, Points), score, 'PROVED', Lines, Details), Terms) ),
           ( memberchk(C-Points, Scores),
             memberchk(score(Points, Base, Against), Details),
             findall(S-N,
                     ( member(Line, Lines),
                       nth0(Line, Terms, node(points(_, C, N), points, S, _, _))
                     ),
                     Found),
             findall(N, member('PROVED'-N, Found), Gained),
             sum_list([Base|Gained], Points),
             against(Against, C, Points, Scores, Winner),
             (   C == Class,
                 Status == 'ABSENT'
             ->  aggregate_all(count, clause(KB:points(_, C, _), _), All),
                 length(Found, All),
                 \+ ( nth0(I, Found, 'ABSENT'-_), nth0(J, Found, 'PROVED'-_), I < J )
             ;   forall(member(S-_, Found), S == 'PROVED')
             )
           )),
    (   Class == Winner
    ->  Children = [First, Second],
        nth0(First, Terms, node(score(_, Class, _), _, _, _, _)),
        nth0(Second, Terms, node(score(_, Other, Less), _, _, _, _)),
        best_but(Class, Scores, Other-Less)
    ;   Children = [First, Second],
        nth0(First, Terms, node(score(_, Class, _), _, _, _, _)),
        nth0(Second, Terms, node(decision(_, Winner), decision, 'PROVED', _, _))
    ).

against(ahead(Other, Margin), Winner, Points, Scores, Winner) :-
    best_but(Winner, Scores, Other-Less),
    Margin =:= Points - Less,
    Margin >= 0.
against(behind(Winner, Margin), Class, Points, Scores, Winner) :-
    Class \== Winner,
    memberchk(Winner-Most, Scores),
    Margin =:= Most - Points,
    Margin >= 0.

best_but(Winner, Scores, Other-Points) :-
    aggregate_all(max(P), ( member(C-P, Scores), C \== Winner ), Points),
    once(( member(Other-Points, Scores), Other \== Winner )).

test('a constant added to all bases changes nothing but the scores',
     forall(between(1, 20, Seed))) :-
    set_random(seed(Seed)),
    random_points(8, program(points, none, Rules, Bases)),
    random_member(Shift, [-7, -1, 2, 1000]),
    findall(Class-Base,
            ( member(Class, [x, y, z]),
              ( memberchk(Class-Base0, Bases) -> true ; Base0 = 0 ),
              Base is Base0 + Shift
            ),
            Shifted),
    program_text(program(points, none, Rules, Bases), Text1),
    program_text(program(points, none, Rules, Shifted), Text2),
    with_revision(['rules.pl'=Text1], loaded(KB1)),
    with_revision(['rules.pl'=Text2], loaded(KB2)),
    forall(( between(1, 50, _), random_facts(none, Facts) ),
           ( outcome(KB1, Facts, Class1, Scores1),
             outcome(KB2, Facts, Class2, Scores2),
             Class1 == Class2,
             forall(member(C-P1, Scores1),
                    ( memberchk(C-P2, Scores2), P2 =:= P1 + Shift ))
           )),
    unload_revision(KB1),
    unload_revision(KB2).

outcome(KB, facts(Image, Values, Predicted), Class, Scores) :-
    findall(Class0-Scores0,
            ( carry(KB, Image, Values, Predicted),
              KB:decision(Image, Class0),
              findall(C-P, KB:score(Image, C, P), Scores0)
            ),
            [Class-Scores]).

test('a class that is said never to win never does', Wins == [never]) :-
    findall(Whether,
            ( between(1, 60, Seed),
              set_random(seed(Seed)),
              random_points(4, Program),
              program_text(Program, Text),
              with_revision(['rules.pl'=Text], outscored(Classes)),
              member(Class, Classes),
              (   every_image(Facts),
                  twin_decision(Program, Facts, Class-points)
              ->  Whether = Seed
              ;   Whether = never
              )
            ),
            All),
    sort(All, Wins).

outscored(Classes, Directory) :-
    check_directory(Directory, _, Issues),
    findall(Class,
            ( member(issue(warning, outscored_class, _, _, _, Message), Issues),
              split_string(Message, " ", "", [Name|_]),
              atom_string(Class, Name)
            ),
            Classes).

test('an image may be named like anything, and nothing else changes') :-
    scores(KB),
    street_facts(plain, facts(_, Values, Predicted)),
    service_explain(KB, facts(img, Values, Predicted), decision, [], Json1),
    service_explain(KB, facts('it''s "one"', Values, Predicted), decision, [], Json2),
    atomic_list_concat(Parts, 'img', Json1),
    atomic_list_concat(Parts, '\'it\\\\\'s \\"one\\"\'', Renamed),
    same_but_inferences(Renamed, Json2).

same_but_inferences(Json1, Json2) :-
    atom_json_dict(Json1, Answer1, []),
    atom_string(Atom2, Json2),
    atom_json_dict(Atom2, Answer2, []),
    del_dict(inferences, Answer1, _, Same),
    del_dict(inferences, Answer2, _, Same).

test('scores are answers in the order that breaks ties',
     Bindings == [["2", "street"], ["3", "'Free Way'"], ["-1", "driveway"]]) :-
    scores(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, "score(Image, Class, Points)", [], Solutions, _),
    findall([P, C],
            ( member(S, Solutions),
              member(["Class", C], S.bindings),
              member(["Points", P], S.bindings)
            ),
            Bindings).
test('a score that is asked for is proved by its lines', Kinds == [score, points, points]) :-
    scores(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, "score(Image, street, 2)", [proofs(true)], [Solution], _),
    findall(Kind,
            ( member(Node, Solution.proof.nodes),
              atom_string(Kind, Node.kind),
              memberchk(Kind, [score, points])
            ),
            Kinds).
test('another score is refuted by the one that there is',
     Goals == ["score(img,street,3)", "score(img,street,2)"]) :-
    scores(KB),
    street_facts(plain, Facts),
    explained(KB, Facts, goal("score(Image, street, 3)"), Answer),
    Answer.holds == false,
    findall(Goal,
            ( member(Node, Answer.nodes),
              Goal = Node.goal,
              sub_string(Goal, 0, _, _, "score(")
            ),
            Goals).
test('a score of an unknown class is refused', Reason == "UNKNOWN_CLASS") :-
    scores(KB),
    street_facts(plain, Facts),
    explained(KB, Facts, goal("score(Image, streat, P)"), Answer),
    Reason = Answer.error.reason.
test('rules of user.pl may use scores', Holds == true) :-
    scores(KB),
    street_facts(upper_unobserved, Facts),
    explained(KB, Facts, goal("margin(Image, 1)"), Answer),
    Holds = Answer.holds.
test('at the prompt, rules of a class end with its base',
     Lines == [ "points(Image, driveway, 3) :- rule(p7, Image),",
                "    \\+ active(Image, conv3_c26),  % 'left wall'",
                "    \\+ active(Image, conv3_c12).",
                "points(Image, driveway, 3) :- rule(p8, Image),",
                "    active(Image, conv3_c40_max_g2_r0c1).",
                "base_points(driveway, -1).",
                ""
              ]) :-
    revision_path(scores, Directory),
    knowledge_base(Directory),
    with_output_to(string(Text), rules(driveway)),
    split_string(Text, "\n", "", Lines).
test('under other policies no class has a score', Solutions == []) :-
    street(KB),
    street_facts(plain, Facts),
    queried(KB, Facts, "score(Image, Class, Points)", [], Solutions, _).
test('one class alone wins by itself',
     Lines == ["x was decided", "└─ x scores -2 from base -2"]) :-
    with_revision(['rules.pl'='class_order([x]). policy(points). base_points(x, -2).'],
                  loaded(KB)),
    findall(Lines0,
            ( carry(KB, img, values(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5), []),
              about(KB, img, About),
              decision_root(About, Root),
              nodes(Root, 100, Nodes, ''),
              nodes_terms(Nodes, Terms),
              proof_lines(proof(Terms, ''), Lines0)
            ),
            [Lines]).
test('without classes nothing is decided', Decision-Holds == null-true) :-
    with_revision(['rules.pl'='policy(points).'], loaded(KB)),
    Facts = facts(img, values(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5), []),
    explained(KB, Facts, goal("\\+ decision(Image, _)"), Answer),
    Decision = Answer.decision,
    Holds = Answer.holds.
test('user.pl may not define score/3 or points/3',
     Codes == [reserved_predicate, reserved_predicate]) :-
    with_revision(['rules.pl'='class_order([x]). policy(points).',
                   'user.pl'='score(_, _, 1).\npoints(_, _, 1).\nscored(_, 1).'],
                  codes(Codes)).

codes(Codes, Directory) :-
    check_directory(Directory, _, Issues),
    findall(Code, member(issue(error, Code, _, _, _, _), Issues), Codes).

:- end_tests(points).
