:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(library(readutil), [read_file_to_string/3]).
:- use_module('../../prolog/proofsight/encoding').
:- use_module('../../prolog/proofsight/facts').
:- use_module('../../prolog/proofsight/proof').
:- use_module('../../prolog/proofsight/truth').
:- use_module('../../prolog/proofsight/show').
:- use_module(asked).
:- use_module(written_revision).

/** <module> Whole explanations, as text and as JSON

Each case has tests/prolog/golden/CASE.txt, what show/1 prints, and
CASE.json, what the service answers; the Python renderer must print the
one from the other.  `swipl tests/prolog/run.pl --rewrite` writes them.
*/

:- begin_tests(golden).

question(decision, decision).
question(why_not, class("Free Way")).
question(user, goal("quiet(Image)")).
question(conjunction, goal("odd(Image), \\+ busy(Image, N), reach(c, a)")).

scores_question(decision, decision).
scores_question(why_not, class(driveway)).
scores_question(user, goal("strong(Image, 'Free Way')")).
scores_question(score, goal("class(Image, C), score(Image, C, Points), points(Image, C, 3)")).

%   case(-KB, -Facts, -Asked, -Name)

case(KB, Facts, Asked, Name) :-
    street(KB),
    street_facts(Case, Facts),
    question(Question, Asked),
    atomic_list_concat([Case, Question], '.', Name).
case(KB, Facts, Asked, Name) :-
    scores(KB),
    member(Case, [plain, upper_unobserved, threshold]),
    street_facts(Case, Facts),
    scores_question(Question, Asked),
    atomic_list_concat([scores, Case, Question], '.', Name).

test('proofs read as they did', forall(case(KB, Facts, Asked, Name))) :-
    as_text(KB, Facts, Asked, Text),
    same_as_file(Name, '.txt', Text).
test('answers are what they were', forall(case(KB, Facts, Asked, Name))) :-
    proofsight_service:service_explain(KB, Facts, Asked, [], Json0),
    without_inferences(Json0, Json1),
    string_concat(Json1, "\n", Json),
    same_as_file(Name, '.json', Json).
test('a proof that is cut short reads as it did') :-
    street(KB),
    street_facts(plain, facts(Image, Values, Predicted)),
    findall(Text,
            ( carry(KB, Image, Values, Predicted),
              about(KB, Image, About),
              decision_root(About, Root),
              text_of(Root, 6, Text)
            ),
            [Text]),
    same_as_file(cut_short, '.txt', Text).

%   The text of the very nodes that the answer has.

as_text(KB, facts(Image, Values, Predicted), Asked, Text) :-
    findall(Text0,
            ( carry(KB, Image, Values, Predicted),
              about(KB, Image, About),
              proofsight_service:asked(Asked, KB, Image, About, Root),
              text_of(Root, 10_000, Text0)
            ),
            [Text]).

text_of(Root, Most, Text) :-
    nodes(Root, Most, Nodes, CutShort),
    nodes_terms(Nodes, Terms),
    proof_lines(proof(Terms, CutShort), Lines),
    atomic_list_concat(Lines, '\n', Joined),
    string_concat(Joined, "\n", Text).

%   Inferences may differ between versions of Prolog.

without_inferences(Json0, Json) :-
    sub_string(Json0, Before, Length, _, ",\"inferences\":"),
    !,
    Start is Before + Length,
    sub_string(Json0, Start, _, 0, Tail),
    sub_string(Tail, Comma, _, _, ","),
    !,
    sub_string(Tail, Comma, _, 0, Rest),
    sub_string(Json0, 0, Before, _, Head),
    string_concat(Head, Rest, Json).

same_as_file(Name, Extension, Text) :-
    written_revision:here(Here),
    atomic_list_concat([Here, '/golden/', Name, Extension], File),
    (   current_prolog_flag(rewrite_golden, true)
    ->  setup_call_cleanup(
            open(File, write, Out, [encoding(utf8)]),
            write(Out, Text),
            close(Out))
    ;   read_file_to_string(File, Golden, [encoding(utf8)]),
        Golden == Text
    ).

:- end_tests(golden).
