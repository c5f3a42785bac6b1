:- use_module(library(plunit)).
:- use_module(library(apply), [exclude/3]).
:- use_module(library(lists), [append/3, member/2, nth0/3, numlist/3]).
:- use_module(library(pairs), [pairs_keys/2]).
:- use_module(library(random), [random_between/3, random_member/2]).
:- use_module('../../prolog/proofsight/facts').
:- use_module('../../prolog/proofsight/check').
:- use_module('../../prolog/proofsight/proof').
:- use_module('../../prolog/proofsight/truth').
:- use_module('../../prolog/proofsight/revision').
:- use_module(random_program).
:- use_module(written_revision).

/** <module> Plain execution, proofs and the definition agree

Random programs with every construct and policy, random facts with ties
and with unobserved layers.
*/

:- begin_tests(agreement).

test('three ways to decide agree on random programs', forall(between(1, 60, Seed))) :-
    set_random(seed(Seed)),
    Size is 1 + Seed mod 9,
    random_program(Size, Program),
    program_text(Program, Text),
    with_revision(['rules.pl'=Text], loaded(KB)),
    forall(between(1, 25, _), agrees(KB, Program)),
    unload_revision(KB).

loaded(KB, Directory) :-
    load_revision(Directory, KB, _, Issues),
    errors(Issues, Errors),
    ( Errors == [] -> true ; print_message(error, format('~p', [Errors])), fail ).

agrees(KB, Program) :-
    random_facts(Program, Facts),
    Facts = facts(Image, Values, Predicted),
    carry(KB, Image, Values, Predicted),
    twin_decision(Program, Facts, Expected),
    plain_decision(KB, Plain),
    about(KB, Image, About),
    decided(About, Winner),
    (   Expected == none
    ->  Plain == none, Winner == none
    ;   Expected = Class-default
    ->  Plain == Class, Winner == default(Class)
    ;   Expected = Class-Id,
        Plain == Class,
        Winner = won(Class, Clause),
        KB:'$goal'(Clause, rule, _, _, [rule(Id)])
    ),
    forall(member(C, [x, y, z]),
           alike(twin_class(Program, Facts, C), KB:class(Image, C), class(Image, C), KB, About)),
    forall(member(P, [a, b, c, d, e, e_high, f, g, h]),
           alike(twin_active(Program, Facts, P), KB:active(Image, P), active(Image, P), KB, About)),
    sound(About).

plain_decision(KB, Decision) :-
    findall(Class, KB:decision(_, Class), Classes),
    (   Classes = [Decision0]
    ->  Decision = Decision0
    ;   Classes == [],
        Decision = none
    ).

alike(Twin, Plain, Goal, KB, About) :-
    root(KB, Goal, About, Root),
    (   \+ \+ Twin
    ->  \+ \+ Plain, holds(Root)
    ;   \+ Plain, \+ holds(Root)
    ).

%   Every node of the proof of the decision is what its children make it, and
%   children stand after the first that mentions them.

sound(About) :-
    decision_root(About, Root),
    nodes(Root, 100_000, true, Nodes, ''),
    compound_name_arguments(Array, nodes, Nodes),
    forall(nth0(Number, Nodes, Node), sound_node(Node, Number, Array)),
    findall(C, ( member(node(_, _, _, Cs), Nodes), member(C, Cs) ), Mentioned0),
    sort([0|Mentioned0], Mentioned),
    length(Nodes, Count),
    Last is Count - 1,
    numlist(0, Last, Mentioned).

sound_node(node(at(Id, About), Status, How, Children), _, Array) :-
    arg(1, About, KB),
    KB:'$goal'(Id, Kind, _, _, _),
    findall(S, ( member(C, Children), N is C + 1, arg(N, Array, node(_, S, _, _)) ), Statuses),
    (   rightly(Kind, Status, How, Statuses)
    ->  true
    ;   print_message(error, format('unsound: ~p', [Kind-Status-How-Statuses])),
        fail
    ).

holding(Status) :- memberchk(Status, ['PROVED', 'FACT']).

rightly(not, 'PROVED', _, [S]) => \+ holding(S).
rightly(not, 'ABSENT', _, [S]) => holding(S).
rightly(active, 'FACT', value(_), Ss) => Ss == [].
rightly(active, 'ABSENT', value(_), Ss) => Ss == [].
rightly(at_least, Status, count(M, H, N), Ss) =>
    length(Ss, N),
    findall(S, ( member(S, Ss), holding(S) ), Held),
    length(Held, H),
    ( H >= M -> Status == 'PROVED' ; Status == 'ABSENT' ).
rightly(default, 'FACT', _, Ss) => \+ ( member(S, Ss), holding(S) ).
rightly(decision, 'PROVED', _, [S|_]) => holding(S).
rightly(decision, 'ABSENT', _, _) => true.
rightly(_, 'PROVED', _, Ss) => forall(member(S, Ss), holding(S)).
rightly(rule, 'ABSENT', _, Ss) => Ss \== [], \+ ( member(S, Ss), holding(S) ).
rightly(_, 'ABSENT', _, Ss) => \+ ( member(S, Ss), holding(S) ).

%   Warnings are true: the slow twin tries every image.

test('a rule that is called futile is, on every image',
     Codes == [contradictory_body, dead_rule, subsumed_rule]) :-
    findall(Code,
            ( between(1, 60, Seed),
              set_random(seed(Seed)),
              few_propositions(Program),
              program_text(Program, Text),
              with_revision(['rules.pl'=Text], suspected(Program, Found)),
              member(Code, Found)
            ),
            All),
    sort(All, Codes).

%   Four propositions, so that every image can be tried.

few_propositions(program(Policy, Default, Rules, Confidences)) :-
    random_member(Policy, [exclusive, ordered, confidence]),
    random_member(Default, [none, x, y]),
    findall(rule(Id, class(Class), Body),
            ( between(1, 7, N),
              atom_concat(r, N, Id),
              random_member(Class, [x, y]),
              few_literals(Literals),
              (   N mod 3 =:= 0
              ->  append(Literals, [unless(Id)], Body)
              ;   Body = Literals
              )
            ),
            ClassRules),
    findall(rule(Id, ab(Rule), Body),
            ( member(Rule, [r3, r6]),
              atom_concat(Rule, '_1', Id),
              few_literals(Body)
            ),
            Exceptions),
    append(ClassRules, Exceptions, Rules),
    findall(Id-C,
            ( member(rule(Id, class(_), _), ClassRules),
              random_member(C, [0.25, 0.5])
            ),
            Confidences).

few_literals(Literals) :-
    random_between(1, 3, N),
    findall(Literal, ( between(1, N, _), few_literal(Literal) ), Plain),
    random_between(0, 3, K),
    (   K =:= 0
    ->  random_between(1, 3, M),
        findall(L, ( between(1, 3, _), few_literal(L) ), Ls),
        Literals = [least(M, Ls)|Plain]
    ;   Literals = Plain
    ).

few_literal(Literal) :-
    random_member(P, [a, b, e, e_high]),
    random_member(Literal, [p(P), n(P)]).

suspected(Program, Codes, Directory) :-
    Program = program(Policy, Default, Rules, Confidences),
    check_directory(Directory, _, Issues),
    findall(Code-Id,
            ( member(issue(warning, Code, _, _, _, Message), Issues),
              memberchk(Code, [contradictory_body, subsumed_rule, dead_rule]),
              split_string(Message, " ", "", [IdText|_]),
              atom_string(Id, IdText)
            ),
            Pairs),
    forall(( member(_-Id, Pairs),
             exclude(has_id(Id), Rules, Without),
             every_image(Facts)
           ),
           ( twin_decision(Program, Facts, D1),
             twin_decision(program(Policy, Default, Without, Confidences), Facts, D2),
             same_class(D1, D2)
           )),
    pairs_keys(Pairs, Codes).

has_id(Id, rule(Id, _, _)).

same_class(none, none) :- !.
same_class(C-_, C-_).

every_image(facts(img, Values, [])) :-
    member(A, [0.25, 1.0]),
    member(B, [0.25, 1.0]),
    member(E, [0.25, 0.625, 1.0]),
    Values = values(A, B, 0.25, 0.25, E, E, 0.25, 0.25).

:- end_tests(agreement).
