:- encoding(utf8).
:- use_module(library(plunit)).
:- use_module(library(filesex), [chmod/2, directory_file_path/3]).
:- use_module('../../prolog/proofsight', [ knowledge_base/1, load_image/2, load_image/3, why/1, why/2, why_not/2, rules/0, rules/1, proof/2, show/1 ]).
:- use_module(library(apply), [include/3]).
:- use_module(library(lists), [reverse/2]).
:- use_module(library(yall)).
:- use_module(written_revision).

:- dynamic user:message_hook/3.
:- multifile user:message_hook/3.

:- begin_tests(prompt, [setup(at_street), cleanup(unsetenv('PROOFSIGHT_SERVER'))]).

at_street :-
    revision_path(street, Directory),
    knowledge_base(Directory).

%   A command `proofsight` that answers with File's own text.

with_command(Goal) :-
    tmp_file(bin, Bin),
    make_directory(Bin),
    directory_file_path(Bin, proofsight, Command),
    setup_call_cleanup(
        open(Command, write, Out),
        format(Out, "#!/bin/sh~nfor last; do :; done~nif [ \"$1 $2 $3 $4 $5 $6\" = 'facts --server localhost:1 --kb revisions --prolog' ]; then cat \"$last\"; else echo \"$*\" >&2; exit 2; fi~n", []),
        close(Out)),
    chmod(Command, +x),
    getenv('PATH', Path),
    atomic_list_concat([Bin, Path], :, NewPath),
    setup_call_cleanup(
        ( setenv('PATH', NewPath), setenv('PROOFSIGHT_SERVER', 'localhost:1') ),
        once(Goal),
        ( setenv('PATH', Path), delete_file(Command), delete_directory(Bin) )).

with_picture(Name, Text, Goal) :-
    tmp_file(pictures, Directory),
    make_directory(Directory),
    directory_file_path(Directory, Name, File),
    setup_call_cleanup(open(File, write, Out), write(Out, Text), close(Out)),
    call_cleanup(once(call(Goal, File)),
                 ( delete_file(File), delete_directory(Directory) )).

seven("value(img, conv3_c8, 0.1).
value(img, conv3_c12, 0.5).
value(img, conv3_c26, 3.0).
value(img, conv3_c26_t2, 3.0).
value(img, conv3_c40_max_g2_r0c1, 0.3).
value(img, fc1_u3, -1.0).
value(img, fc1_u7, 0.75).
predicted(img, street, 0.93).
").

load(Image, File) :-
    with_command(load_image(File, Image)).

loaded :-
    seven(Text),
    with_picture('seven.png', Text, load(seven)).

prints(Goal, Text) :-
    with_output_to(string(Text), once(Goal)).

test('an image is named after its file', Image == seven) :-
    seven(Text),
    with_picture('seven.png', Text, load(Image)).
test('the words of the knowledge base speak of the image', [D, C, Q] == [street, street, yes]) :-
    loaded,
    proofsight:decision(seven, D),
    proofsight:class(seven, C),
    ( proofsight:active(seven, fc1_u7) -> Q = yes ; Q = no ),
    !.
test('predicates of user.pl can be called at the prompt', Image == seven) :-
    loaded,
    user:vehicle(Image).
test('a second image stands beside the first', Images == [eight, seven]) :-
    loaded,
    seven(Text),
    with_picture('eight.png', Text, load(_)),
    findall(I, proofsight:decision(I, street), Is),
    sort(Is, Images).
test('loading an image again replaces its facts', Values == [0.25]) :-
    loaded,
    seven(Text0),
    split_string(Text0, "\n", "", [_|Lines]),
    atomic_list_concat(['value(img, conv3_c8, 0.25).'|Lines], '\n', Text),
    with_picture('seven.png', Text, load(seven)),
    findall(V, proofsight:value(seven, conv3_c8, V), Values).
test('why prints the proof of the decision', First-Class == "street was decided"-street) :-
    loaded,
    prints(why(seven, Class), Text),
    split_string(Text, "\n", "", [First|_]).
test('why of another class says that there is no proof', First == "There is no proof; this is why not:") :-
    loaded,
    prints(why(seven, 'Free Way'), Text),
    split_string(Text, "\n", "", [First|_]).
test('why not of the decision says that it holds', First == "It does hold; this is why:") :-
    loaded,
    prints(why_not(seven, street), Text),
    split_string(Text, "\n", "", [First|_]).
test('why not of another class is its refutation', First == "Free Way was not decided") :-
    loaded,
    prints(why_not(seven, 'Free Way'), Text),
    split_string(Text, "\n", "", [First|_]).
test('why of an image alone is why of its decision', [Same, Typed] == [Text, Text]) :-
    loaded,
    prints(why(seven, _), Text),
    prints(why(seven), Same),
    prints(why("seven"), Typed).
test('why of nothing in particular takes each image in turn', Images == [eight, seven]) :-
    loaded,
    seven(Text),
    with_picture('eight.png', Text, load(_)),
    with_output_to(string(_), findall(Image, why(Image), Found)),
    sort(Found, Images).
test('why of what is neither an image nor a goal is told, with images of such a name',
     Message == "sevn is neither an image that is loaded nor a predicate of user.pl; nearest: seven; ask why(Image), why(Image, Class), or why of a goal such as active(Image, Proposition)") :-
    loaded,
    catch(why(sevn), error(proofsight(Key, Slots), _), true),
    proofsight_messages:text(Key, Slots, Message).
test('why of an unknown goal tells the vocabulary',
     error(proofsight('issue.undeclared_predicate', _))) :-
    loaded,
    why(vehicel(_)).
test('why takes goals', First == "vehicle(seven) holds by user.pl:4") :-
    loaded,
    prints(why(vehicle(seven)), Text),
    split_string(Text, "\n", "", [First|_]).
test('a proof is a term that can be shown', Text == "conv3_c8 is not active: 0.1 ≤ 0.5  ['car's \"bonnet\"']\n") :-
    loaded,
    proof(\+ active(seven, conv3_c8), Proof),
    prints(show(Proof), Text).
test('goals that are not pure are not explained', error(proofsight('issue.unsafe_goal', _))) :-
    proof(halt, _).
test('rules are printed with statistics and labels', true(once(sub_string(Text, _, _, _, "% support 412, confidence 0.981")))) :-
    prints(rules(street), Text),
    once(sub_string(Text, _, _, _, "'left wall'")).
test('of several labels of a proposition the first is shown', Labels == ["'car\\'s \"bonnet\"'"]) :-
    prints(rules(street), Text),
    split_string(Text, "\n", "", Lines),
    findall(Label,
            ( member(Line, Lines),
              sub_string(Line, _, _, _, "conv3_c8)"),
              sub_string(Line, B, _, _, "% "),
              Start is B + 2,
              sub_string(Line, Start, _, 0, Label)
            ),
            Labels0),
    sort(Labels0, Labels).
test('rules of a class come with their exceptions', Ids == ["r1", "r1_1", "r1_1_1", "r1_2", "r3"]) :-
    prints(rules(street), Text),
    split_string(Text, "\n", "", Lines),
    findall(Id,
            ( member(Line, Lines),
              sub_string(Line, B, _, _, "rule("),
              Start is B + 5,
              sub_string(Line, Start, _, 0, Rest),
              split_string(Rest, ",", "", [Id|_])
            ),
            Ids).
test('printed rules read back as the clauses they are') :-
    prints(rules, Text),
    open_string(Text, In),
    findall(Clause, ( repeat, read(In, Clause), ( Clause == end_of_file -> !, fail ; true ) ), Clauses),
    revision_path(street, Directory),
    atomic_list_concat([Directory, 'rules.pl'], /, File),
    setup_call_cleanup(open(File, read, Rules),
                       findall(Clause, ( repeat, read(Rules, Clause), ( Clause == end_of_file -> !, fail ; true ) ), All),
                       close(Rules)),
    include([(_ :- _)]>>true, All, Expected),
    Clauses =@= Expected.

%   What is refused, and how.

test('a revision that is refused leaves the one before', D == street) :-
    loaded,
    catch(with_revision(['rules.pl'='a b.'], quietly), error(proofsight('repl.refused', _), _), true),
    proofsight:decision(seven, D).

quietly(Directory) :-
    setup_call_cleanup(assertz((user:message_hook(_, Kind, _) :- memberchk(Kind, [error, warning])), Reference),
                       knowledge_base(Directory),
                       erase(Reference)).

test('a directory that is not there is told', error(proofsight('repl.no_directory', _))) :-
    knowledge_base('/nonexistent/revision').
test('a directory of something else is told', error(proofsight('repl.no_revision', _))) :-
    tmp_file(nothing, Directory),
    make_directory(Directory),
    call_cleanup(knowledge_base(Directory), delete_directory(Directory)).
test('an unknown image is told', error(proofsight('repl.unknown_image', _))) :-
    why(nine, street).
test('an unknown class is told', error(proofsight('error.UNKNOWN_CLASS', _))) :-
    loaded,
    why_not(seven, streat).
test('rules of an unknown class are told', error(proofsight('error.UNKNOWN_CLASS', _))) :-
    rules(streat).
test('a file that is not there is told', error(proofsight('repl.no_file', _))) :-
    with_command(load_image('/nonexistent/seven.png', _)).
test('no server is told', [setup(unsetenv('PROOFSIGHT_SERVER')), error(proofsight('repl.no_server', _))]) :-
    with_picture('seven.png', "", [File]>>load_image(File, _)).

strange("halt.").
strange(":- halt.").
strange("value(img, nope, 0.5).").
strange("value(img, conv3_c8, high).").
strange("value(img, fc1_u7_off, 0.5).").
strange("class(img, street).").

test('output that is no fact of the revision is refused and does not run',
     [forall(strange(Text)), error(proofsight('repl.unexpected_fact', _))]) :-
    with_picture('seven.png', Text, load(_)).
test('half a layer is refused', error(proofsight('error.partial_layer', _))) :-
    with_picture('seven.png', "value(img, conv3_c8, 0.5).", load(_)).
test('a layer alone is not', D == driveway) :-
    with_picture('three.png', "value(img, fc1_u3, -1.0). value(img, fc1_u7, 1.0).", load(three)),
    proofsight:decision(three, D).
test('what lies above the entry layer is measured and decides nothing', [D, Vs] == [driveway, [2.5]]) :-
    with_picture('three.png',
                 "value(img, fc1_u3, -1.0). value(img, fc1_u7, 1.0). measured(img, conv3_c8, 2.5).",
                 [File]>>with_command(load_image(File, three, [entry(fc1)]))),
    proofsight:decision(three, D),
    findall(V, proofsight:measured(three, conv3_c8, V), Vs),
    \+ proofsight:value(three, conv3_c8, _),
    \+ proofsight:active(three, conv3_c8).
test('an image that is loaded again forgets what was measured', Vs == []) :-
    loaded,
    findall(V, proofsight:measured(seven, _, V), Vs).
test('a measurement of what the revision does not have is refused',
     error(proofsight('repl.unexpected_fact', _))) :-
    with_picture('three.png', "measured(img, nope, 2.5).", load(_)).
test('output that does not parse is refused', error(proofsight('repl.facts_failed', _))) :-
    with_picture('seven.png', "value(img, ", load(_)).
test('every error has a text of its own') :-
    forall(member(Key-Slots, [ 'repl.no_server'-[],
                               'repl.no_command'-[],
                               'repl.refused'-[directory=d, count=2],
                               'repl.facts_failed'-[server=s, status=x]
                             ]),
           ( message_to_codes(Key, Slots, Text), Text \== "" )).

message_to_codes(Key, Slots, Text) :-
    phrase(prolog:error_message(proofsight(Key, Slots)), ['~s'-[Text]]).

%   Options, names, and facts that are a file.

unknown(load_image(f, i, [entrie(conv2)]), "entrie(conv2) is no option of load_image/3; it takes entry(conv2)").
unknown(load_image(f, i, entry(conv2)), "the options of load_image/3 are a list, [entry(conv2)], not entry(conv2)").
unknown(why_not(seven, street, [whole(maybe)]), "whole(maybe) is no option of why_not/3; it takes whole(true)").
unknown(proof(decision(seven, street), _, [max(2)]), "max(2) is no option of proof/3; it takes whole(true)").

test('an option that is not known is refused with those that are',
     [forall(unknown(Goal, Expected)), Text == Expected]) :-
    catch(proofsight:Goal, error(proofsight(Key, Slots), Context), true),
    nonvar(Context),                    % no stack is told
    message_to_codes(Key, Slots, Told),
    string_concat(Told, "", Text).
test('options that are known are taken') :-
    loaded,
    prints(proofsight:why_not(seven, driveway, [whole(true)]), Whole),
    prints(proofsight:why_not(seven, driveway, [whole=true]), Whole).
test('an image is named by an atom', error(proofsight('repl.no_name', _))) :-
    seven(Text),
    with_picture('seven.png', Text, load("seven")).
test('only proofs are shown', error(proofsight('repl.no_proof', _))) :-
    show(_).
test('facts that were written to a file need no server', D == street) :-
    seven(Text),
    with_picture('written.pl', Text, [File]>>load_image(File, _)),
    proofsight:decision(written, D).
test('a file that is no list of facts is refused', error(proofsight('repl.no_facts', _))) :-
    with_picture('written.pl', "value(", [File]>>load_image(File, _)).
test('all words of rules.pl and quantiser.pl can be asked', [Policy, Order] == [KBPolicy, KBOrder]) :-
    proofsight_current:the_current(KB),
    KB:policy(KBPolicy),
    KB:class_order(KBOrder),
    proofsight:policy(Policy),
    proofsight:class_order(Order),
    forall(KB:reads(L, M), proofsight:reads(L, M)),
    forall(KB:default_class(C), proofsight:default_class(C)),
    forall(KB:base_points(C, P), proofsight:base_points(C, P)).

%   Arguments that name nothing.

warned(active(seven, fc1_u77), ["no proposition named fc1_u77 is declared; nearest: fc1_u7, fc1_u3, fc1_u7_off"]).
warned(active(sevn, fc1_u7), ["no image named sevn is loaded; nearest: seven"]).
warned(decision(sevn, streat), ["no image named sevn is loaded; nearest: seven", "no class named streat; nearest: street"]).
warned(value(seven, "fc1_u7", _), ["no proposition named \"fc1_u7\" is declared; nearest: fc1_u7, fc1_u3, fc1_u7_off"]).
warned(rule(r9, _), ["no rule has the id r9"]).
warned(layer(conv4, _, _, _), ["no layer named conv4; nearest: conv3"]).
warned(default_class(streat), ["no class named streat; nearest: street"]).
warned(active(seven, conv3_c8), []).
warned(decision(seven, 'Free Way'), []).
warned(predicted(seven, street, 1.0), []).
warned(value(seven, fc1_u7_off, _), []).

test('a false answer about what is not there is told, with names like it, and is false as it was',
     [forall(warned(Goal, Expected)), Texts == Expected]) :-
    loaded,
    warnings(\+ proofsight:Goal, Texts).

%   What is warned of while Goal runs, which succeeds.

warnings(Goal, Texts) :-
    nb_setval(warned, []),
    setup_call_cleanup(assertz((user:message_hook(proofsight(Key, Slots), warning, _) :-
                                    proofsight_messages:text(Key, Slots, Text),
                                    nb_getval(warned, Told),
                                    nb_setval(warned, [Text|Told])),
                               Reference),
                       once(Goal),
                       erase(Reference)),
    nb_getval(warned, Reversed),
    reverse(Reversed, Texts).

test('what has an answer warns of nothing', Texts == []) :-
    loaded,
    warnings(findall(C-P, ( proofsight:decision(seven, C), proofsight:active(seven, P) ), [_|_]), Texts).
test('before an image is loaded, words that speak of one say so',
     Texts == ["no image is loaded; call load_image(File, Image)"]) :-
    with_revision(['rules.pl'='class_order([x, y]). default_class(x).'], asked_without_image(Texts)),
    at_street.

asked_without_image(Texts, Directory) :-
    quietly(Directory),
    warnings(\+ proofsight:decision(_, _), Texts).

%   Editing.

test('a revision that is loaded again keeps the images', [A, B] == [x, y]) :-
    with_revision(['rules.pl'='class_order([x, y]). default_class(x).', 'user.pl'='mine(1).'],
                  edited([A, B])),
    at_street.

edited([A, B], Directory) :-
    quietly(Directory),
    proofsight_current:the_current(KB),
    assertz(KB:value(one, a, 1.0)),
    proofsight:decision(one, A),
    user:mine(1),
    atomic_list_concat([Directory, 'rules.pl'], /, File),
    setup_call_cleanup(open(File, write, Out),
                       write(Out, 'class_order([x, y]). default_class(x). class(I, y) :- rule(r, I), active(I, a).'),
                       close(Out)),
    knowledge_base(Directory),
    user:mine(1),
    proofsight:decision(one, B).

test('the newest revision of a knowledge base is found', Name == '10') :-
    tmp_file(kb, Base),
    make_directory(Base),
    forall(member(N, ['2', '10']),
           ( directory_file_path(Base, N, Directory), make_directory(Directory) )),
    proofsight_current:revision_directory(Base, Found),
    file_base_name(Found, Name),
    forall(member(N, ['2', '10']),
           ( directory_file_path(Base, N, Directory), delete_directory(Directory) )),
    delete_directory(Base).

test('an unknown predicate is answered with what can be asked', nondet) :-
    told(procedure, foo/1, Text),
    sub_string(Text, _, _, _, "foo/1 is not defined; ask why/2"),
    sub_string(Text, _, _, _, "or of user.pl (road/1, vehicle/1, quiet/1,"),
    told(procedure, lists:foo/1, Other),
    \+ sub_string(Other, _, _, _, "user.pl").

told(Type, Missing, Text) :-
    phrase('$messages':translate_message(error(existence_error(Type, Missing), _)), Lines),
    with_output_to(string(Text), print_message_lines(current_output, '', Lines)).

:- end_tests(prompt).
