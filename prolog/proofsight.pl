:- module(proofsight,
          [ knowledge_base/1,           % +Directory
            load_image/2,               % +File, ?Image
            load_image/3,               % +File, ?Image, +Options
            why/1,                      % :Goal
            why/2,                      % ?Image, ?Class
            why_not/2,                  % ?Image, +Class
            why_not/3,                  % ?Image, +Class, +Options
            flip/2,                     % ?Image, ?Class
            flip/3,                     % ?Image, ?Class, -Changes
            rules/0,
            rules/1,                    % +Class
            proof/2,                    % :Goal, -Proof
            proof/3,                    % :Goal, -Proof, +Options
            show/1,                     % +Proof

            class/2,                    % ?Image, ?Class
            decision/2,                 % ?Image, ?Class
            score/3,                    % ?Image, ?Class, ?Points
            points/3,                   % ?Image, ?Class, ?Points
            active/2,                   % ?Image, ?Proposition
            derived/2,                  % ?Image, ?Proposition
            ab/2,                       % ?Rule, ?Image
            rule/2,                     % ?Rule, ?Image
            value/3,                    % ?Image, ?Proposition, ?Value
            measured/3,                 % ?Image, ?Proposition, ?Value
            predicted/3,                % ?Image, ?Class, ?Probability
            proposition/3,              % ?Name, ?Feature, ?Threshold
            layer/4,                    % ?Layer, ?Module, ?Kind, ?Size
            label/3,                    % ?Proposition, ?Label, ?By
            rule_stats/2                % ?Rule, ?Statistics
          ]).
:- use_module(library(lists), [max_member/2, member/2]).
:- use_module(library(option), [option/3]).
:- use_module(proofsight/annex_words, [annex_word/2]).
:- use_module(proofsight/check, [errors/2]).
:- use_module(proofsight/encoding, [nodes_terms/2]).
:- use_module(proofsight/facts, [image/2]).
:- use_module(proofsight/flip, [flip/4]).
:- use_module(proofsight/flip_answer, [flip_lines/4, flip_terms/3]).
:- use_module(proofsight/image, [read_image/5]).
:- use_module(proofsight/listing, [class_rules/3, rule_lines/3]).
:- use_module(proofsight/messages, [text/3]).
:- use_module(proofsight/proof, [nodes/5, root/4]).
:- use_module(proofsight/question, [scope/2]).
:- use_module(proofsight/revision,
              [load_revision/4, unload_revision/1]).
:- use_module(proofsight/safety, [safe_goal/3]).
:- use_module(proofsight/show, [proof_lines/2]).
:- use_module(proofsight/truth, [about/3, winning/2]).

:- meta_predicate
    proof(:, -),
    proof(:, -, +),
    why(:).

:- det(knowledge_base/1).
:- det(load_image/2).
:- det(load_image/3).
:- det(rules/0).
:- det(rules/1).
:- det(proof/2).
:- det(proof/3).
:- det(show/1).

/** <module> Proofsight at the prompt

    ?- use_module(library(proofsight)).
    ?- knowledge_base('repository/digits/3').
    ?- load_image('seven.png', Image), why(Image, Class).

The words of the knowledge base, and the predicates of its `user.pl`, can
be called like any others; they speak of the one loaded last.
*/

:- dynamic
    current/2,                          % KB, Directory
    held/2,                             % KB, Directory: loaded from here
    lent/1.                             % Name/Arity of a user.pl predicate

%!  knowledge_base(+Directory) is det.
%
%   Loads the revision in Directory, or the newest of the knowledge base in
%   Directory, and makes it the one that is spoken of.  Findings are printed.
%
%   @error proofsight(Key, Slots) where it is refused; the one before then
%   stays.

knowledge_base(Directory0) :-
    revision_directory(Directory0, Directory),
    load_revision(Directory, KB, _, Issues),
    forall(member(issue(Severity, _, File, Line, Column, Message), Issues),
           print_message(Severity,
                         proofsight('repl.issue',
                                    [ file=File, line=Line, column=Column,
                                      message=Message
                                    ]))),
    errors(Issues, Errors),
    (   Errors == []
    ->  take_back,
        forall(retract(held(Other, Directory)),
               ( keep_facts(Other, KB),
                 unload_revision(Other)
               )),
        assertz(held(KB, Directory)),
        retractall(current(_, _)),
        assertz(current(KB, Directory)),
        forall(KB:'$user'(Name, Arity), lend(KB, Name, Arity))
    ;   length(Errors, Count),
        failed('repl.refused', [directory=Directory, count=Count])
    ).

%   A person who edits a revision and loads it again keeps the images.

keep_facts(Old, New) :-
    forall(( clause(Old:value(Image, P, Value), true),
             New:'$observable'(P, _)
           ),
           assertz(New:value(Image, P, Value))),
    forall(( clause(Old:measured(Image, P, Value), true),
             New:'$observable'(P, _)
           ),
           assertz(New:measured(Image, P, Value))),
    forall(clause(Old:predicted(Image, Class, Probability), true),
           assertz(New:predicted(Image, Class, Probability))).

revision_directory(Directory0, Directory) :-
    (   absolute_file_name(Directory0, Directory1,
                           [file_type(directory), access(read), file_errors(fail)])
    ->  true
    ;   failed('repl.no_directory', [directory=Directory0])
    ),
    atomic_list_concat([Directory1, 'rules.pl'], /, Rules),
    (   \+ exists_file(Rules),
        directory_files(Directory1, Entries),
        findall(N, ( member(Entry, Entries), atom_number(Entry, N), integer(N) ), Ns),
        max_member(Newest, Ns)
    ->  atomic_list_concat([Directory1, Newest], /, Directory)
    ;   Directory = Directory1
    ).

%   The predicates of user.pl are lent to module user, unless it has some of
%   that name itself.

lend(KB, Name, Arity) :-
    functor(Head, Name, Arity),
    (   predicate_property(user:Head, defined),
        \+ predicate_property(user:Head, imported_from(proofsight))
    ->  print_message(warning, proofsight('repl.not_lent', [name=Name, arity=Arity]))
    ;   dynamic(user:Name/Arity),
        assertz(user:(Head :- KB:Head)),
        assertz(lent(Name/Arity))
    ).

take_back :-
    forall(retract(lent(Name/Arity)),
           abolish(user:Name, Arity)).

failed(Key, Slots) :-
    throw(error(proofsight(Key, Slots), _)).

the_current(KB) :-
    (   current(KB0, _)
    ->  KB = KB0
    ;   failed('repl.no_knowledge_base', [])
    ).

%!  load_image(+File, ?Image) is det.
%
%   Has a server turn the picture in File into facts about Image, which is
%   named after File where it is not given.  See image.pl.

load_image(File, Image) :-
    load_image(File, Image, []).

%!  load_image(+File, ?Image, +Options) is det.
%
%   As load_image/2.  With entry(Layer) the network ends at Layer: rules
%   derive what lies above it, and what the network says there is measured/3.

load_image(File, Image, Options) :-
    the_current(KB),
    current(KB, Directory),
    read_image(KB, Directory, File, Image, Options).

%!  why(?Image, ?Class) is nondet.
%
%   Prints why Class was decided of Image or, where it was not, why not.  An
%   unbound Class becomes the decision.

why(Image, Class) :-
    known(Image, KB),
    (   var(Class)
    ->  ignore(KB:decision(Image, Class))
    ;   true
    ),
    explain(KB, decision(Image, Class), why, []).

%!  why_not(?Image, +Class) is nondet.
%
%   Prints why Class was not decided of Image or, where it was, why: of its
%   rules those that come nearest to firing, of its points those that it
%   lacks, and how many more there are.

why_not(Image, Class) :-
    why_not(Image, Class, []).

%!  why_not(?Image, +Class, +Options) is nondet.
%
%   As why_not/2; with whole(true) among Options, nothing is left out.

why_not(Image, Class, Options) :-
    known(Image, KB),
    explain(KB, decision(Image, Class), why_not, Options).

%!  flip(?Image, ?Class) is nondet.
%
%   Prints the fewest propositions whose change has Class decided of Image.
%   An unbound Class becomes the nearest other decision, or none() where that
%   is that nothing is decided.

flip(Image, Class) :-
    fewest(Image, Class, KB, Target, Flip),
    flip_lines(KB, Target, Flip, Lines),
    forall(member(Line, Lines), format('~s~n', [Line])),
    ignore(reached(Flip, Class)).

%!  flip(?Image, ?Class, -Changes) is nondet.
%
%   Changes are those that flip/2 prints, each change(Proposition, Value,
%   Needed), where Needed is above(Threshold) or at_most(Threshold).  Fails,
%   and says why, where no change is enough, or none was found in time.

flip(Image, Class, Changes) :-
    fewest(Image, Class, KB, Target, Flip),
    Flip = flip(Status, _, _, _, _, _, _, _),
    (   Status == 'FOUND'
    ->  true
    ;   flip_lines(KB, Target, Flip, [Heading|_]),
        print_message(warning, proofsight('repl.flip', [found=Heading]))
    ),
    reached(Flip, Class),
    flip_terms(KB, Flip, Changes).

fewest(Image, Class, KB, Target, Flip) :-
    known(Image, KB),
    (   var(Class)
    ->  Target = other()
    ;   known_class(KB, Class),
        Target = class(Class)
    ),
    about(KB, Image, About),
    flip(About, Target, [inferences(50_000_000), seconds(10), nodes(1_000_000)], Flip).

reached(flip(_, _, To, Changes, Verified, _, _, _), Class) :-
    (   Changes == []
    ->  Verified == true
    ;   true
    ),
    (   winning(To, Class0)
    ->  Class = Class0
    ;   Class = none()
    ).

%!  why(:Goal) is nondet.
%
%   Prints a proof of Goal or, where there is none, its refutation.  Goal is
%   a question over the knowledge base: its words, the predicates of
%   `user.pl` and pure built-ins.  An image stands for its decision, and an
%   unbound Goal for each of the images.

why(_:Goal) :-
    var(Goal),
    !,
    why(Goal, _).
why(_:Name) :-
    atomic(Name),
    the_current(KB),
    atom_string(Image, Name),
    image(KB, Image),
    !,
    why(Image, _).
why(_:Goal) :-
    the_current(KB),
    catch(explain(KB, Goal, why, []),
          error(proofsight('issue.undeclared_predicate', _), _),
          unknown(KB, Goal)).

%   A name may be meant for an image; what else is unknown is told as before.

unknown(KB, Name) :-
    atom(Name),
    !,
    findall(Known, image(KB, Known), Images),
    format(atom(Text), '~q', [Name]),
    failed('repl.no_question', [name=Text, nearest=near(Name, Images)]).
unknown(KB, Goal) :-
    question(KB, Goal).

known(Image, KB) :-
    the_current(KB),
    (   image(KB, Image)
    *-> true
    ;   var(Image)
    ->  failed('repl.no_image', [])
    ;   findall(Known, image(KB, Known), Images),
        format(atom(Name), '~q', [Image]),
        failed('repl.unknown_image', [name=Name, nearest=near(Name, Images)])
    ).

explain(KB, Goal, Asked, Options) :-
    proof(KB, Goal, Options, Proof, Holds),
    (   Asked == why,
        Holds == false
    ->  heading('heading.refuted')
    ;   Asked == why_not,
        Holds == true
    ->  heading('heading.proved')
    ;   true
    ),
    show(Proof).

heading(Key) :-
    text(Key, [], Heading),
    format('~s~n', [Heading]).

%!  proof(:Goal, -Proof) is det.
%
%   Proof is proof(Nodes, CutShort): Nodes are node(Goal, Kind, Status,
%   Children, Details), Children their numbers from 0, the root; CutShort is
%   `nodes` where 10,000 were not enough, else ''.  Variables of Goal are
%   bound by its first answer.

proof(Goal, Proof) :-
    proof(Goal, Proof, []).

%!  proof(:Goal, -Proof, +Options) is det.
%
%   As proof/2.  With whole(true) among Options, refutations of classes have
%   all rules and points; else those that come nearest, and left_out(Count)
%   among Details.

proof(_:Goal, Proof, Options) :-
    the_current(KB),
    proof(KB, Goal, Options, Proof, _).

proof(KB, Goal, Options, proof(Nodes, CutShort), Holds) :-
    option(whole(Whole), Options, false),
    question(KB, Goal),
    (   KB:Goal
    ->  Holds = true
    ;   Holds = false
    ),
    root(KB, Goal, none(), Root),
    nodes(Root, 10_000, Whole, Found, CutShort),
    nodes_terms(Found, Nodes).

%   A goal is run more than once to explain it, so it must be pure.

question(KB, Goal) :-
    scope(KB, Scope),
    catch(safe_goal(Goal, 0-0, Scope),
          refused(Code, Slots, _),
          ( atom_concat('issue.', Code, Key),
            failed(Key, Slots)
          )).

%!  show(+Proof) is det.
%
%   Prints a proof as by proof/2.

show(Proof) :-
    proof_lines(Proof, Lines),
    forall(member(Line, Lines), format('~s~n', [Line])).

%!  rules is det.
%
%   Prints the rules, with their statistics and labels, and base_points/2.

rules :-
    the_current(KB),
    findall(Rule, KB:'$rule'(Rule, _), Rules),
    print_rules(KB, Rules),
    print_bases(KB, _).

%!  rules(+Class) is det.
%
%   Prints the rules for Class, each followed by its exceptions, and its base.

rules(Class) :-
    the_current(KB),
    known_class(KB, Class),
    class_rules(KB, Class, Rules),
    print_rules(KB, Rules),
    print_bases(KB, Class).

known_class(KB, Class) :-
    (   KB:'$named'(Class, class, _)
    ->  true
    ;   findall(Known, KB:'$named'(Known, class, _), Classes),
        format(atom(Name), '~w', [Class]),
        failed('error.UNKNOWN_CLASS', [name=Name, nearest=near(Name, Classes)])
    ).

print_rules(KB, Rules) :-
    forall(member(Rule, Rules),
           ( rule_lines(KB, Rule, Lines),
             forall(member(Line, Lines), format('~s~n', [Line]))
           )).

print_bases(KB, Class) :-
    forall(KB:base_points(Class, Points),
           format('base_points(~q, ~q).~n', [Class, Points])).

%!  class(?Image, ?Class) is nondet.
%!  decision(?Image, ?Class) is nondet.
%!  score(?Image, ?Class, ?Points) is nondet.
%!  points(?Image, ?Class, ?Points) is nondet.
%!  active(?Image, ?Proposition) is nondet.
%!  derived(?Image, ?Proposition) is nondet.
%!  ab(?Rule, ?Image) is nondet.
%!  rule(?Rule, ?Image) is nondet.
%!  value(?Image, ?Proposition, ?Value) is nondet.
%!  measured(?Image, ?Proposition, ?Value) is nondet.
%!  predicted(?Image, ?Class, ?Probability) is nondet.
%!  proposition(?Name, ?Feature, ?Threshold) is nondet.
%!  layer(?Layer, ?Module, ?Kind, ?Size) is nondet.
%!  label(?Proposition, ?Label, ?By) is nondet.
%!  rule_stats(?Rule, ?Statistics) is nondet.
%
%   As the knowledge base has it.

class(Image, Class) :- the_current(KB), KB:class(Image, Class).
decision(Image, Class) :- the_current(KB), KB:decision(Image, Class).
score(Image, Class, Points) :- the_current(KB), KB:score(Image, Class, Points).
points(Image, Class, Points) :- the_current(KB), KB:points(Image, Class, Points).
active(Image, P) :- the_current(KB), KB:active(Image, P).
derived(Image, P) :- the_current(KB), KB:derived(Image, P).
ab(Rule, Image) :- the_current(KB), KB:ab(Rule, Image).
rule(Rule, Image) :- the_current(KB), KB:rule(Rule, Image).
value(Image, P, Value) :- the_current(KB), KB:value(Image, P, Value).
measured(Image, P, Value) :- the_current(KB), KB:measured(Image, P, Value).
predicted(Image, Class, P) :- the_current(KB), KB:predicted(Image, Class, P).
proposition(Name, Feature, T) :- the_current(KB), KB:proposition(Name, Feature, T).
layer(Layer, Module, Kind, N) :- the_current(KB), KB:layer(Layer, Module, Kind, N).
label(P, Label, By) :- the_current(KB), KB:label(P, Label, By).
rule_stats(Rule, Statistics) :- the_current(KB), KB:rule_stats(Rule, Statistics).

%   The words of annexes, as the knowledge base has them:
%
%       feeds(C, A, B) :- the_current(KB), KB:feeds(C, A, B).

term_expansion(annex_words, Clauses) :-
    findall(Clause,
            ( annex_word(Name, Arity), word_clause(Name, Arity, Clause) ),
            Clauses).

word_clause(Name, Arity, (:- export(Name/Arity))).
word_clause(Name, Arity, (Head :- the_current(KB), KB:Head)) :-
    functor(Head, Name, Arity).

annex_words.

:- multifile
    prolog:error_message//1,
    prolog:message//1.

prolog:error_message(proofsight(Key, Slots)) -->
    { text(Key, Slots, Text) },
    [ '~s'-[Text] ].
prolog:error_message(existence_error(procedure, Procedure)) -->
    { asked_for(Procedure, Slots) },
    prolog:error_message(proofsight('repl.unknown_predicate', Slots)).
prolog:message(proofsight(Key, Slots)) -->
    { text(Key, Slots, Text) },
    [ '~s'-[Text] ].

%   asked_for(+Procedure, -Slots): it is unknown at the prompt of a knowledge base.

asked_for(Procedure, [name=Name, user=offer(of_user, Lent)]) :-
    current(_, _),
    strip_module(user:Procedure, user, Indicator),
    format(atom(Name), '~q', [Indicator]),
    findall(Known, lent(Known), Lent).
