; Inno Setup 6 script. `python run.py build` on Windows compiles it with
;   ISCC /DVersion=... /DSource=dist\LipoScope /DOutput=dist /DBaseName=... /DIcon=...\liposcope.ico liposcope.iss
; Silent installation for everybody:   LipoScope-...exe /VERYSILENT /SUPPRESSMSGBOXES /NORESTART /ALLUSERS
; for the current user alone:          the same with /CURRENTUSER; /DIR="D:\LipoScope" names another folder.
; Silent removal:                      "<folder>\unins000.exe" /VERYSILENT

#ifndef Version
  #error Version is not given: compile by "python run.py build".
#endif

[Setup]
AppId={{6B1D0E0B-6C1C-4F0E-9C83-6A2B7C1D54F9}
AppName=LipoScope
AppVersion={#Version}
AppPublisher=LipoScope
AppComments=Research use only, not a medical device
VersionInfoVersion={#Version}
DefaultDirName={autopf}\LipoScope
DefaultGroupName=LipoScope
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog commandline
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile={#Source}\_internal\LICENSE
OutputDir={#Output}
OutputBaseFilename={#BaseName}
SetupIconFile={#Icon}
UninstallDisplayIcon={app}\LipoScope.exe
Compression=lzma2/fast
SolidCompression=yes
LZMANumBlockThreads=4
CloseApplications=yes
WizardStyle=modern

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"
Name: "fr"; MessagesFile: "compiler:Languages\French.isl"
Name: "de"; MessagesFile: "compiler:Languages\German.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"; Flags: unchecked

[InstallDelete]
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Source}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs
Source: "{#Source}\_internal\NOTICES.txt"; DestDir: "{app}"; Flags: ignoreversion
Source: "{#Source}\_internal\LICENSE"; DestDir: "{app}"; DestName: "LICENSE.txt"; Flags: ignoreversion

[Icons]
Name: "{group}\LipoScope"; Filename: "{app}\LipoScope.exe"
Name: "{autodesktop}\LipoScope"; Filename: "{app}\LipoScope.exe"; Tasks: desktopicon

[Run]
Filename: "{app}\LipoScope.exe"; Description: "{cm:LaunchProgram,LipoScope}"; Flags: nowait postinstall skipifsilent
