:- module(proofsight_image,
          [ load_image/2,               % +File, ?Image
            load_image/3                % +File, ?Image, +Options
          ]).
:- use_module(library(lists), [append/2, member/2, subtract/3]).
:- use_module(library(option), [option/2]).
:- use_module(library(process), [process_create/3, process_wait/2]).
:- use_module('../source', [read_facts/2, syntax_text/2]).
:- use_module(current, [failed/2, the_current/2]).
:- use_module(options, [checked_options/3]).

:- det(load_image/2).
:- det(load_image/3).

/** <module> An image's facts from a server

`proofsight facts FILE --prolog` is run as a process and its output read as
terms.  It asks the server of the environment variable PROOFSIGHT_SERVER
(HOST:PORT) for the knowledge base of PROOFSIGHT_KB or, where that is not
set, the one that the loaded directory belongs to; `proofsight repl` sets
both.
*/

%!  load_image(+File, ?Image) is det.
%
%   Has a server turn the picture in File into facts about Image, an atom,
%   which is named after File where it is not given.  Facts that Image had
%   before are gone.  A File that ends in `.pl` has the facts already, as
%   `proofsight facts IMAGE --prolog` writes them; it is read and never run.
%
%   @error proofsight(Key, Slots), which has a message.

load_image(File, Image) :-
    load_image(File, Image, []).

%!  load_image(+File, ?Image, +Options) is det.
%
%   As load_image/2.  With entry(Layer) the network ends at Layer: rules
%   derive what lies above it, and what the network says there is measured/3.

load_image(File0, Image, Options) :-
    the_current(KB, Directory),
    checked_options(load_image/3, Options, [entry(atom, conv2)]),
    (   absolute_file_name(File0, File,
                           [access(read), file_errors(fail)])
    ->  true
    ;   failed('repl.no_file', [file=File0])
    ),
    named(File, Image),
    (   file_name_extension(_, pl, File)
    ->  written_facts(File, Options, Facts)
    ;   asked_facts(File, Directory, Options, Facts)
    ),
    accepted(KB, Facts, Values, Predicted),
    forget(KB, Image),
    forall(member(P-V, Values), assertz(KB:value(Image, P, V))),
    forall(member(measured(_, P, V), Facts), assertz(KB:measured(Image, P, V))),
    forall(member(C-V, Predicted), assertz(KB:predicted(Image, C, V))).

named(File, Image) :-
    var(Image),
    !,
    file_base_name(File, Base),
    file_name_extension(Image, _, Base).
named(_, Image) :-
    atom(Image),
    !.
named(_, Image) :-
    format(atom(Name), '~W', [Image, [quoted(true), max_depth(10)]]),
    failed('repl.no_name', [name=Name]).

%   The layers of a file are those that it was written with.

written_facts(File, Options, Facts) :-
    (   Options == []
    ->  true
    ;   format(atom(Given), '~q', [Options]),
        failed('repl.takes_none', [given=Given])
    ),
    catch(setup_call_cleanup(open(File, read, In, [encoding(utf8)]),
                             read_facts(In, Facts),
                             close(In)),
          error(syntax_error(What), _),
          ( syntax_text(What, Problem),
            failed('repl.no_facts', [file=File, problem=Problem])
          )).

asked_facts(File, Directory, Options, Facts) :-
    (   getenv('PROOFSIGHT_SERVER', Server)
    ->  true
    ;   failed('repl.no_server', [])
    ),
    knowledge_base_name(Directory, Name),
    (   option(entry(Layer), Options)
    ->  More = ['--entry', Layer]
    ;   More = []
    ),
    append([[facts, '--server', Server, '--kb', Name, '--prolog'], More, [File]], Arguments),
    command_facts(Arguments, Server, Facts).

%   repository/digits/3 is a revision of `digits`.

knowledge_base_name(Directory, Name) :-
    (   getenv('PROOFSIGHT_KB', Name0)
    ->  Name = Name0
    ;   file_directory_name(Directory, Parent),
        file_base_name(Parent, Name)
    ).

command_facts(Arguments, Server, Facts) :-
    catch(process_create(path(proofsight), Arguments,
                         [stdout(pipe(Out, [encoding(utf8)])), process(Process)]),
          error(existence_error(_, _), _),
          failed('repl.no_command', [])),
    call_cleanup(catch(read_facts(Out, Facts0), error(syntax_error(_), _), true),
                 ( close(Out),
                   process_wait(Process, Status)
                 )),
    (   Status == exit(0),
        nonvar(Facts0)
    ->  Facts = Facts0
    ;   format(string(Text), '~w', [Status]),
        failed('repl.facts_failed', [server=Server, status=Text])
    ).

%   accepted(+KB, +Facts, -Values, -Predicted): Facts fit the revision.

accepted(KB, Facts, Values, Predicted) :-
    findall(P-V, member(value(_, P, V), Facts), Values),
    findall(C-V, member(predicted(_, C, V), Facts), Predicted),
    (   member(Fact, Facts),
        \+ ( ground(Fact), expected(Fact, KB) )
    ->  format(string(Text), '~W', [Fact, [quoted(true), max_depth(10)]]),
        failed('repl.unexpected_fact', [fact=Text])
    ;   true
    ),
    findall(P, KB:'$observable'(P, _), Observable),
    findall(P, member(P-_, Values), Observed),
    subtract(Observable, Observed, Missing),
    (   member(P, Missing),
        same_layer(KB, P, Other),
        memberchk(Other, Observed)
    ->  failed('error.partial_layer', [name=P])
    ;   true
    ).

expected(value(Image, P, V), KB) :-
    atom(Image),
    number(V),
    KB:'$observable'(P, _).
expected(predicted(Image, Class, V), _) :-
    atom(Image),
    atom(Class),
    number(V).
expected(measured(Image, P, V), KB) :-
    atom(Image),
    number(V),
    KB:'$observable'(P, _).

same_layer(KB, P, Other) :-
    KB:proposition(P, Feature, _),
    arg(1, Feature, Layer),
    KB:proposition(Other, OtherFeature, _),
    arg(1, OtherFeature, Layer).

forget(KB, Image) :-
    forall(clause(KB:value(Image, _, _), true, Reference), erase(Reference)),
    forall(clause(KB:measured(Image, _, _), true, Reference), erase(Reference)),
    forall(clause(KB:predicted(Image, _, _), true, Reference), erase(Reference)).
