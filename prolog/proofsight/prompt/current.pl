:- encoding(utf8).
:- module(proofsight_current,
          [ knowledge_base/1,           % +Directory
            the_current/1,              % -KB
            the_current/2,              % -KB, -Directory
            known_image/2,              % ?Image, -KB
            known_class/2,              % +KB, +Class
            failed/2                    % +Key, +Slots
          ]).
:- use_module(library(lists), [max_member/2, member/2]).
:- use_module('../check', [errors/2]).
:- use_module('../facts', [image/2]).
:- use_module('../messages', [text/3]).
:- use_module('../revision', [load_revision/4, unload_revision/1]).

:- det(knowledge_base/1).
:- det(the_current/1).
:- det(the_current/2).
:- det(known_class/2).

/** <module> The knowledge base that is spoken of at the prompt

One at a time: the one loaded last.  The predicates of its `user.pl` are
lent to module `user`, and are taken back when another takes its place.
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
    forall(member(Issue, Issues), told(Issue)),
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

%   An issue of line 0 is of a whole file, such as one that is not there.

told(issue(Severity, _, File, 0, _, Message)) =>
    print_message(Severity, proofsight('repl.file_issue', [file=File, message=Message])).
told(issue(Severity, _, File, Line, Column, Message)) =>
    print_message(Severity,
                  proofsight('repl.issue',
                             [ file=File, line=Line, column=Column,
                               message=Message
                             ])).

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
    directory_files(Directory1, Entries),
    findall(N, ( member(Entry, Entries), atom_number(Entry, N), integer(N) ), Ns),
    (   exists_file(Rules)
    ->  Directory = Directory1
    ;   max_member(Newest, Ns)
    ->  atomic_list_concat([Directory1, Newest], /, Directory)
    ;   failed('repl.no_revision', [directory=Directory0])
    ).

%   The predicates of user.pl are lent to module user, unless it has some of
%   that name itself.

lend(KB, Name, Arity) :-
    functor(Head, Name, Arity),
    (   predicate_property(user:Head, defined),
        \+ ours(user:Head)
    ->  print_message(warning, proofsight('repl.not_lent', [name=Name, arity=Arity]))
    ;   dynamic(user:Name/Arity),
        assertz(user:(Head :- KB:Head)),
        assertz(lent(Name/Arity))
    ).

take_back :-
    forall(retract(lent(Name/Arity)),
           abolish(user:Name, Arity)).

%   The words of the façade come from modules of their own.

ours(Head) :-
    predicate_property(Head, imported_from(Module)),
    sub_atom(Module, 0, _, _, proofsight).

%!  failed(+Key, +Slots)
%
%   Ends what was asked for at the prompt, with the message Key.  The error
%   has a context, or else the top level would print its stack below it.
%
%   @error proofsight(Key, Slots)

failed(Key, Slots) :-
    throw(error(proofsight(Key, Slots), prompt)).

%!  the_current(-KB) is det.
%!  the_current(-KB, -Directory) is det.
%
%   KB is spoken of, and was loaded from Directory.
%
%   @error proofsight('repl.no_knowledge_base', []) before the first.

the_current(KB) :-
    the_current(KB, _).

the_current(KB, Directory) :-
    (   current(KB0, Directory0)
    ->  KB = KB0,
        Directory = Directory0
    ;   failed('repl.no_knowledge_base', [])
    ).

%!  known_image(?Image, -KB) is nondet.
%
%   Something is said of Image in KB, which is spoken of.
%
%   @error proofsight(Key, Slots) where nothing is, with names like it.

known_image(Image, KB) :-
    the_current(KB),
    (   image(KB, Image)
    *-> true
    ;   var(Image)
    ->  failed('repl.no_image', [])
    ;   findall(Known, image(KB, Known), Images),
        format(atom(Name), '~q', [Image]),
        failed('repl.unknown_image', [name=Name, nearest=near(Name, Images)])
    ).

%!  known_class(+KB, +Class) is det.
%
%   KB has Class.
%
%   @error proofsight('error.UNKNOWN_CLASS', Slots), with names like it.

known_class(KB, Class) :-
    (   KB:'$named'(Class, class, _)
    ->  true
    ;   findall(Known, KB:'$named'(Known, class, _), Classes),
        format(atom(Name), '~w', [Class]),
        failed('error.UNKNOWN_CLASS', [name=Name, nearest=near(Name, Classes)])
    ).

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
