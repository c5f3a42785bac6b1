:- module(proofsight_service,
          [ service_load/4,             % +Directory, +Options, -KB, -Answer
            service_explain/5,          % +KB, +Facts, +Question, +Limits, -Answer
            service_flip/5,             % +KB, +Facts, +Target, +Limits, -Answer
            service_query/6             % +KB, +Facts, +Text, +Limits, :Emit, -Answer
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(library(option), [option/3]).
:- use_module(check, [errors/2, issue_object/2]).
:- use_module(encoding, [nodes_json/3]).
:- use_module(flip, [flip/4, unsearched/4]).
:- use_module(flip_answer, [flip_json/4]).
:- use_module(handed_facts, [hand_in/2, loaded/1]).
:- use_module(json, [json_string/2, json_text/2]).
:- use_module(limits, [bounded/3]).
:- use_module(messages, [text/3]).
:- use_module(program, [classes/2, part/3, policy/2, predicates/2]).
:- use_module(proof, [decision_root/2, holds/1, nodes/5, root/4]).
:- use_module(question, [provable/1, question/5, refuse/4]).
:- use_module(revision, [load_revision/4]).
:- use_module(solution, [solution/6]).
:- use_module(truth, [about/3, decided/2]).

:- meta_predicate service_query(+, +, +, +, 1, -).

:- det(service_load/4).
:- det(service_explain/5).
:- det(service_flip/5).
:- det(service_query/6).

/** <module> What worker processes call

Every predicate here succeeds once, throws nothing, and leaves nothing
behind: the answer is JSON text, an error included, as
`{"error": {"reason": ..., "message": ..., "metadata": {...}}}`.

Facts are facts(Image, Values, Predicted): Image an atom, Values a term
values(V1, ..., Vn) in the order of the observable propositions, each a
float or, where its layer was not observed, `none`; Predicted a list of
Class-Probability.  A fourth argument is a list of Proposition-Value that
was measured above the entry layer, for measured/3.  Limits are those of
bounded/3 and nodes(Count) of a proof, 10,000 where not given.
*/

%!  service_load(+Directory, +Options, -KB, -Answer:string) is det.
%
%   Loads the revision in Directory.  KB is its id, or none() where it is
%   refused.  Answer describes it; warnings are among its `issues`.  There
%   are no Options yet.

service_load(Directory, _, KB, Answer) :-
    catch(load_revision(Directory, KB0, Program, Issues), Error, true),
    (   nonvar(Error)
    ->  KB = none(),
        formal(Error, Formal),          % its context may hold a whole file
        format(string(Text), '~W', [Formal, [quoted(true), max_depth(10)]]),
        text('error.unreadable', [directory=Directory, error=Text], Message),
        error_json('BAD_PROGRAM', Message, [], [issues-[]], Answer)
    ;   maplist(issue_object, Issues, Objects),
        errors(Issues, Errors),
        (   Errors == []
        ->  KB = KB0,
            description(Program, Objects, Description),
            json_text(Description, Answer)
        ;   KB = none(),
            length(Errors, Count),
            Errors = [issue(_, _, File, Line, Column, First)|_],
            text('error.BAD_PROGRAM',
                 [count=Count, file=File, line=Line, column=Column, message=First],
                 Message),
            error_json('BAD_PROGRAM', Message, [], [issues-Objects], Answer)
        )
    ).

formal(error(Formal0, _), Formal) =>
    Formal = Formal0.
formal(Error, Formal) =>
    Formal = Error.

description(Program, Issues, Description) :-
    part(proposition, Program, Propositions),
    findall(Name, ( member(proposition(Name, _, T, _), Propositions), T \== none ),
            Observable),
    findall(Name, member(proposition(Name, _, none, _), Propositions), Derived),
    classes(Program, Classes),
    policy(Program, Policy),
    part(default_class, Program, Defaults),
    (   Defaults = [default_class(Default, _)|_]
    ->  true
    ;   Default = null()
    ),
    part(rule, Program, Rules),
    length(Rules, Count),
    predicates(Program, Indicators),
    findall(Text,
            ( member(Indicator, Indicators), format(string(Text), '~q', [Indicator]) ),
            User),
    Description = object([ propositions-Observable, derived-Derived,
                           classes-Classes, policy-Policy, default-Default,
                           rules-Count, user-User, issues-Issues
                         ]).

%!  service_explain(+KB, +Facts, +Question, +Limits, -Answer:string) is det.
%
%   Why, or why not.  Question is `decision`, class(Name) or goal(Text);
%   the variable `Image` of Text stands for the image.  With whole(true) among
%   Limits nothing is left out of refutations, see nodes/5 of proof.pl.

service_explain(KB, Facts, Question, Limits, Answer) :-
    answered(explain(KB, Facts, Question, Limits), Limits, Answer).

explain(KB, Facts, Question, Limits, Answer) :-
    statistics(inferences, Before),
    hand_in(KB, Facts),
    arg(1, Facts, Image),
    about(KB, Image, About),
    asked(Question, KB, Image, About, Root),
    (   holds(Root)
    ->  Holds = true
    ;   Holds = false
    ),
    option(nodes(Most), Limits, 10_000),
    option(whole(Whole), Limits, false),
    nodes(Root, Most, Whole, Nodes, CutShort),
    decided(About, Winner),
    winner_json(Winner, KB, Class, Rule, ByDefault),
    nodes_json(Nodes, NodesJson, ['}']),
    statistics(inferences, After),
    Inferences is After - Before,
    atomics_to_string([ '{"decision":', Class, ',"rule":', Rule,
                        ',"default":', ByDefault, ',"holds":', Holds,
                        ',"root":0,"cut_short":"', CutShort,
                        '","inferences":', Inferences, ',"nodes":'
                      | NodesJson
                      ], Answer).

asked(decision, _, _, About, Root) =>
    decision_root(About, Root).
asked(class(Name), KB, Image, About, Root) =>
    atom_string(Class, Name),
    known_class(KB, Class),
    root(KB, decision(Image, Class), About, Root).
asked(goal(Text), KB, Image, About, Root) =>
    question(KB, Text, Image, Goal, _),
    ignore(KB:Goal),
    provable(Goal),
    root(KB, Goal, About, Root).

known_class(KB, Class) :-
    (   KB:'$named'(Class, decision, _)
    ->  true
    ;   findall(Known, KB:'$named'(Known, class, _), Classes),
        refuse('UNKNOWN_CLASS', 'error.UNKNOWN_CLASS',
               [name=Class, nearest=near(Class, Classes)], [name-Class])
    ).

winner_json(won(Class, Clause), KB, ClassJson, RuleJson, ByDefault) =>
    json_string(Class, ClassJson),
    KB:'$goal'(Clause, _, _, _, [rule(Rule)]),
    json_string(Rule, RuleJson),
    ByDefault = false.
winner_json(most(Class, _, _), _, ClassJson, RuleJson, ByDefault) =>
    json_string(Class, ClassJson),
    RuleJson = null,
    ByDefault = false.
winner_json(default(Class), _, ClassJson, RuleJson, ByDefault) =>
    json_string(Class, ClassJson),
    RuleJson = null,
    ByDefault = true.
winner_json(none, _, ClassJson, RuleJson, ByDefault) =>
    ClassJson = null,
    RuleJson = null,
    ByDefault = false.

%!  service_flip(+KB, +Facts, +Target, +Limits, -Answer:string) is det.
%
%   The fewest propositions whose change makes the decision as Target says:
%   `other`, or class(Name).  For the answer see flip_json/4.  Limits are
%   as in flip/4; it ends by itself before them.  Where they are too low for
%   it to begin, the answer is cut short like any other, at an allowance of
%   its own.

service_flip(KB, Facts, Target, Limits, Answer) :-
    outcome(flipped(KB, Facts, Target, flip(Limits)), Limits, Text, Outcome),
    (   Outcome = refused(Reason, _, _),
        memberchk(Reason-Why, ['INFERENCE_LIMIT'-inferences, 'TIME_LIMIT'-seconds])
    ->  answered(flipped(KB, Facts, Target, unsearched(Why)),
                 [inferences(1_000_000), seconds(0.25)|Limits], Answer)
    ;   told(Outcome, Text, Answer)
    ).

flipped(KB, Facts, Target0, How, Answer) :-
    statistics(inferences, Before),
    hand_in(KB, Facts),
    arg(1, Facts, Image),
    about(KB, Image, About),
    (   Target0 = class(Name)
    ->  atom_string(Class, Name),
        known_class(KB, Class),
        Target = class(Class)
    ;   Target = other()
    ),
    flip_by(How, About, Target, Flip),
    flip_json(KB, Target, Flip, Members),
    statistics(inferences, After),
    Inferences is After - Before,
    json_text(object([inferences-Inferences|Members]), Answer).

flip_by(flip(Limits), About, Target, Flip) =>
    flip(About, Target, Limits, Flip).
flip_by(unsearched(Why), About, Target, Flip) =>
    unsearched(About, Target, Why, Flip).

%!  service_query(+KB, +Facts, +Text, +Limits, :Emit, -Answer:string) is det.
%
%   Calls Emit with the JSON of each solution of the goal Text.  Facts may
%   be `none`.  Limits may hold, besides those of service_explain/5,
%   solutions(Count), 1,000 where not given, and proofs(Boolean).

service_query(KB, Facts, Text, Limits, Emit, Answer) :-
    answered(query(KB, Facts, Text, Limits, Emit), Limits, Answer).

query(KB, Facts, Text, Limits, Emit, Answer) :-
    statistics(inferences, Before),
    (   Facts == none
    ->  loaded(KB)
    ;   hand_in(KB, Facts),
        arg(1, Facts, Image)
    ),
    question(KB, Text, Image, Goal, Names),
    option(solutions(Most), Limits, 1_000),
    State = state(0, false),
    (   call(KB:Goal),
        arg(1, State, Count0),
        (   Count0 >= Most
        ->  nb_setarg(2, State, true)
        ;   solution(KB, Goal, Names, Image, Limits, Solution),
            call(Emit, Solution),
            Count is Count0 + 1,
            nb_setarg(1, State, Count),
            fail
        )
    ->  true
    ;   true
    ),
    State = state(Solutions, More),
    statistics(inferences, After),
    Inferences is After - Before,
    atomics_to_string([ '{"solutions":', Solutions, ',"more":', More,
                        ',"inferences":', Inferences, '}'
                      ], Answer).

%   answered(:Goal, +Limits, -Answer): Goal within Limits; facts that it
%   carries are gone afterwards.

:- meta_predicate answered(1, +, -).

answered(Goal, Limits, Answer) :-
    outcome(Goal, Limits, Text, Outcome),
    told(Outcome, Text, Answer).

:- meta_predicate outcome(1, +, -, -).

outcome(Goal, Limits, Text, Outcome) :-
    findall(Text0-Outcome0, bounded(call(Goal, Text0), Limits, Outcome0), [Text-Outcome]).

told(refused(Reason, Message, Metadata), _, Answer) =>
    error_json(Reason, Message, Metadata, [], Answer).
told(_, Text, Answer) =>
    Answer = Text.

error_json(Reason, Message, Metadata, More, Answer) :-
    findall(Key-Text,
            ( member(Key-Value, Metadata), format(string(Text), '~w', [Value]) ),
            Texts),
    append([reason-Reason, message-Message, metadata-object(Texts)], More, Members),
    json_text(object([error-object(Members)]), Answer).
