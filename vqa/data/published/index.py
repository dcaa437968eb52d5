"""Published files of the field: address, size, SHA-256 and licence of each, one file a line.

Addresses name a commit, so that the same bytes come from them for good. Licences are those that the repositories state
for their own content; videos and images belong to their data sets, most of them free for research only.
"""
# ruff: noqa: E501  one file a line, whatever its length

from dataclasses import dataclass

from vqa.sources.download import RemoteFile

_RAW = "https://raw.githubusercontent.com"

# Repository and commit, licence, then lines of SHA-256, bytes and path.
_REPOSITORIES: tuple[tuple[str, str, str], ...] = (
    (
        "Sissuire/SAMA/38c02bfde71c1de4b73ceaea9577831676f1b9a3",
        "none stated",
        """
9b0634642001a3d1ffb71a52015fa4f737a0222995c60704aef8eb9109dec781 248456 VQA/log.FAST.SAMA.out
""",
    ),
    (
        "SwinTransformer/Video-Swin-Transformer/db018fb8896251711791386bbd2127562fd8d6a6",
        "Apache-2.0",
        """
cc3ebb11e80d2900071ff929633b7476a33ee1698ac9a91206e2ba64c1c28920 294566 tests/data/test.avi
""",
    ),
    (
        "VQAssessment/DOVER/f1ddc96215bc7fbcf8f315c65d47905f339c3419",
        "NTU S-Lab License 1.0 (non-commercial)",
        """
890747e64877f8373fbe14a1afecaeb03afe9929e2ec6a8dd48bc9b80f3c6895 1999293 demo/1724.mp4
e1bb8710fb32e88ee5f2a453b00f72e17605704796c0cb6b02aa6e786b736721 105562 demo/FEQ-gdkTN4Q_000008_000018.mp4
2b75b131191e101d6c931e66ef3b537cb67e1e620d25a1cd2fa159d039129d91 639869 demo/eWgy8eG3stA_000164_000174.mp4
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 demo/error_test.mp4
3b5fc3d0ec27eaed4a268c6bb5f23c06b5dd62d47687d0ca070818836017cea8 9810 dover_predictions/val-kv1k.pkl
b6ec503365bc6160f214e2241c82ef71f5ef994336e5c58f58fab6cd833b4022 28794 dover_predictions/val-l1080p.pkl
ab0a06995bbb5cced5906ee39a3dde2a380a190470a5cd70804cc622a7dac516 4890 dover_predictions/val-livevqc.pkl
8cb0c2c8ced7264cbbe873b7c90d594e902599f2e3d3294f6f976999682e119f 57698 dover_predictions/val-ltest.pkl
17598f413398e7a70c11a24f7cc5cb59c3bc8c94d635f33aab413cd9b7feb06f 9386 dover_predictions/val-ytugc.pkl
0f738fd2831aab3eb8c9bac08fa79bb782ec9ea767866753b77e3515150333c5 72114 examplar_data_labels/KoNViD/labels.txt
4b3049925f8471f608f1ad07ccb8ecae722feb0f223ce955b130c4f7110dc853 28325 examplar_data_labels/LIVE_VQC/labels.txt
4dc942856393964060fc429fad266a6c921d21af11897b0f92395d3f8b947c97 180113 examplar_data_labels/LSVQ/labels_1080p.txt
2b4411fc89dc220e8a7a16640f3bff2ecc42be029845084326fb718cc1dd2b4b 441658 examplar_data_labels/LSVQ/labels_test.txt
32de7dcee4cc1d8850f98071afb836aab95c77e8d08a9b9db7dff9f3a5e71133 66454 examplar_data_labels/YouTubeUGC/labels.txt
""",
    ),
    (
        "VQAssessment/ExplainableVQA/774d196fae7c25d0ff261ac15cc0672ceb6b2f88",
        "NTU S-Lab License 1.0 (non-commercial)",
        """
a3e6946e2492bd57091f8cd886d786c7b58f8ffa4747631d50d992e87b565ab2 383305 maxvqa_global_results.pkl
""",
    ),
    (
        "VQAssessment/FAST-VQA-and-FasterVQA/0a1186854c851f165a03850936c05e7d9d5f72e5",
        "MIT",
        """
81cf60481a53a9d0fcf7effa61824884e49b88cc6387ae2a2cde2b8a5666ed2a 2159 results/results_finetune_konvid_s32*32_ens1.pkl
76e582cec76990094eeece88d2bad44ed2e8740806827d896ac351d3dbbcd304 2159 results/results_finetune_konvid_s32*32_ens1_from_ar.pkl
953927efed219ae819e6e8fef336c13223868157a7d5b5fc745378487eb9f6d5 2159 results/results_finetune_live_vqc_s32*32_ens1.pkl
9637c392eba8d0a003dd6a6b73d6889cd146091e70be8b602738dff1e2823338 2159 results/results_finetune_live_vqc_s32*32_ens1_from_ar.pkl
""",
    ),
    (
        "VQAssessment/FAST-VQA-and-FasterVQA/9f264e436a97b23f5efb477b048bfbff83565032",
        "MIT",
        """
50aca90a48a9c1ac2ec9da96c59239fce4932c0b6e0bfcafa90a23ce14d76635 1130822 demos/10053703034.mp4
""",
    ),
    (
        "VQAssessment/FAST-VQA-and-FasterVQA/df6e17f93f7dcec4d4a5e530507affe6578e33a9",
        "MIT",
        """
6f49448e35ce94ff8905451b46e6332ed984ff883865cbec1fe4c29db17ee7b2 2159 results/results_fast_finetune_konvid_s32*32_ens1.pkl
276c3ee2d1db0d4edb7755f5dbeaa63a57ebce3d8231d39c899218eafbe4e619 2095 results/results_fast_finetune_live_vqc_s32*32_ens1.pkl
f1057f9635a17db167341b8dfdbdf52f67301074abc89635564455a2d76b317c 2159 results/results_fast_finetune_live_vqc_s32*32_ens1_from_ar.pkl
7100cd4b3e09bb86496492eb2d282d555ca511201e78ad4fa714fb83af8a7702 2159 results/results_fast_finetune_youtubeugc_s32*32_ens1.pkl
0233f1bfcf6358699a80b2644551ad3d572fbfb4d795098355f565ba1b8522f1 2159 results/results_fast_finetune_youtubeugc_s32*32_ens1_from_ar.pkl
""",
    ),
    (
        "XinliYue/VQA-Generalization/7ee6c0b7403b9e5c51be7aa4a9304073b463a44b",
        "none stated",
        """
df03b7c2d6994c17aad4643290cd4f5371be3886d31f8227eac310f57658e676 51714 fastvqa/examplar_data_labels/KoNViD/labels.txt
79c679dfb383f4c63f973b480c3f104fceb496c7f8862f9855c74cfef74d1e1d 24815 fastvqa/examplar_data_labels/LIVE_VQC/labels.txt
4dc942856393964060fc429fad266a6c921d21af11897b0f92395d3f8b947c97 180113 fastvqa/examplar_data_labels/LSVQ/labels_1080p.txt
2b4411fc89dc220e8a7a16640f3bff2ecc42be029845084326fb718cc1dd2b4b 441658 fastvqa/examplar_data_labels/LSVQ/labels_test.txt
f885155cac12fa7417676d72f1a6d2bfd085535c0b86a9e98215dc187b51300f 60264 fastvqa/examplar_data_labels/YouTubeUGC/labels.txt
529318f02e43cadf4c698079a5f89b1db143d6fa6e92b456f5f285595443a294 1735252 fastvqa/examplar_data_labels/train_labels.txt
4c0a3f3837774a5d7059a7dbf2e9a9c80c116a0a73667b5e2066b37840fb6b71 7014 sama/examplar_data_labels/KoNViD/KoNViD_1k_test.txt
feed190a0b4ac1d889179c71e70a403b145221ff686da7a8fc6f5b90bee8356c 28105 sama/examplar_data_labels/KoNViD/KoNViD_1k_train.txt
cd64cc054f54ea6f42c67ac8b4200a20561787d33d5c858bd3ae0e6418310d81 406997 sama/examplar_data_labels/LSVQ/labels_mytest.txt
3782c260a360385a88a4fd7ca61c6c70944abafba6390740f0c0d8648f55039b 74719 sama/examplar_data_labels/YouTubeUGC/mylabels.txt
""",
    ),
    (
        "avinabsaha/ReIQA/290632a038331e2b9273a01c4da4d6c960680d0b",
        "MIT",
        """
51b977f131d7b8366a67f49a8415c699d0ecc477be07fd011566e8832ec587be 879934 sample_images/10004473376.jpg
""",
    ),
    (
        "chaofengc/IQA-PyTorch/01ae427f9afd66842031d3a7cb694dcad5b5cbb8",
        "PolyForm Noncommercial 1.0.0 / S-Lab 1.0",
        """
92e543ec9c71767b1faedbd0d1a1d84ab73de64baaf29c23916adc8e83e4aa12 125107 tests/test_efficiency_img_dir/SPAQ_10241.jpg
""",
    ),
    (
        "dmlc/decord/d2e56190286ae394032a8141885f76d5372bd44b",
        "Apache-2.0",
        """
56279fa0f498d4fe45b7419cdd9d245d4118ab16ec720ec638fe3a1dba146d3a 436346 examples/flipping_a_pancake.mkv
1c7705ef2be3e85d26e2ef19ba263344b7daf627ec2874013311cd60c792229c 47294 tests/test_data/corrupted.mp4
7f7062caaefe6fa11173333e8fbe6816a7757950c4fde9d168412dd60a7f03c9 1606 tests/test_data/unordered.mov
849672ec0fac265b0d463e5753c217de759f1e718fd5aac97f7118abd96058fa 15065 tests/test_data/video_0.mov
d58bee6b785df5b9cadf8591bec6b858b57d0112322804eca115dd71dc8796db 12688 tests/test_data/video_270.mov
74bc38162a7b56faee56afb5917258db09530190a5fc645ff38fb08c3288dbaa 15442 tests/test_data/video_90.mov
""",
    ),
    (
        "h4nwei/SPAQ/03e2b1c752b593079afffc2adb6ffff4c76e376e",
        "none stated",
        """
7da59885a03d5a85c648fe1454fee3d76706e8a6303c5580558775e6d4a0a7fe 550443 images/00914.png
60f093a9c5cc79491ecd58d05ca20734b8b8aa8d259c69cb9ac6f4a495cb8072 471343 images/05293.png
""",
    ),
    (
        "lidq92/VSFA/b78751b58b05321aea0f13ee913b4bee1531a233",
        "MIT",
        """
191e7e20e926643271f020c69831f9176fbdcb8fb4adbfee3e05c496cbf88314 816397 test.mp4
""",
    ),
    (
        "pytorch/torchcodec/c66da14b7ba4a22f42a6d8f690c4edb3441db65f",
        "BSD-3-Clause",
        """
20625b11f465f569c21998f519decfb2d832b36257daf3dddd86848ab3d33838 16375 test/resources/av1_video.mkv
db375b71dcd3efc80f92b4c76f33177def1c52f4326958099710448c48387c76 586323 test/resources/bt709_full_range.mp4
a6398c65da224a5fe588c4317362539f1b39a9ee4e76dc071653e8c3620ce141 34737 test/resources/h264_10bits.mp4
792c80f9a73ef85542e316d74e6a92414396af7cccbcc6bbaf92756cbafc8b71 17704 test/resources/h265_video.mp4
53705221cac65086253367787e964e5d7d37beeba007646106a2c780d087c9e1 672981 test/resources/nasa_13013.mp4
""",
    ),
    (
        "subpic/koniq/1c271570ac83aeb6aa8e7ff25449f3299b0d2e53",
        "MIT",
        """
d0bd1ad54a60bc36fe172049e46ac76c83554e50ab84acebfd47b82b3e698a0a 1147194 metadata/koniq10k_distributions_sets.csv
""",
    ),
    (
        "sunwei925/SimpleVQA/017edda50e8cdbeb48113a001dbb9af0dbd2030b",
        "Apache-2.0",
        """
72cda6e4d508166180aa33de031c43850df5a9afad23a4aee2fde3ef29c3a718 1674912 videos/2999049224_original_centercrop_960x540_8s.mp4
""",
    ),
    (
        "vztu/BVQA_Benchmark/8c307b41c40cfba8411fd11e2595f2f905e043a8",
        "MIT",
        """
82ac6c6cc52bce9e9b1373c53fb999cb998b2aebbe170e7cae6de4d1f85288ca 287180 data/KONVID_1K_BRISQUE_feats.mat
6bb03c060d639b48f9fb9e70a1bdfa5471133ab7915c85fffb7ffd4f0bfaf842 148568 data/LIVE_VQC_BRISQUE_feats.mat
a2012de30b56c86b3d687623c8e671fc3afdd399e9782176f7f84bdf86131514 345986 data/YOUTUBE_UGC_BRISQUE_feats.mat
""",
    ),
    (
        "vztu/VIDEVAL/8a86166bb9a9c8fc5e5eac5db7a77771cf576947",
        "MIT",
        """
a036dc97a7125181aa78559968c542fa1d26909a4c0d0748ee5507bf074bb626 537865 features/KONVID_1K_VIDEVAL_feats.mat
69f12f7d157d8cc7e448ac55ce2f1b6bbf055f639e919eb783e36ad32ca87d39 78370 features/KONVID_1K_metadata.csv
38a0b51990441cee3dff91cf37b890989c4156f3649ccedeced790994061664f 257653 features/LIVE_VQC_VIDEVAL_feats.mat
ed52e197b3470ba86a25f364257f7462cfe5257b41c6c0bdf288a25523e23042 34814 features/LIVE_VQC_metadata.csv
0a3e3a6fd7d08e02bb75488bca2d538efb6aad00057cc0f133b7661c6d8e9701 620341 features/YOUTUBE_UGC_VIDEVAL_feats.mat
a870d74574894a9780255401b45b5e83a3708aa8285bd0a260d49048afaea90d 166377 features/YOUTUBE_UGC_metadata.csv
""",
    ),
    (
        "xinyiW915/DIVA-VQA/2d07c59be86ce1f94d7842d507db1acddca4b6ec",
        "none stated",
        """
765bf4946b3b96a26b641c77823b49cafddf80d915b540e9e31f7a3525fa09c8 546819 ugc_original_videos/4495254692.mp4
""",
    ),
    (
        "xinyiW915/RAPIQUE-UGC/1a48ef9cf1015e9af63000641e017901055b9fb7",
        "MIT",
        """
2a7beace98d342a15ae88306e972a9feb26ed9ef590c58d4607c085e4d120e60 41633 mos_files/YOUTUBE_UGC_1080P_metadata.csv
9f97b8799a0a2ca51faa41e05545642fc9dcff2f09093d75522d092c91699994 14906 mos_files/YOUTUBE_UGC_2160P_metadata.csv
e325f5bd41f8ae06dc2510fe57b252256d688a2cf9e71641872bbfc0a139167a 31036 mos_files/YOUTUBE_UGC_360P_metadata.csv
7db2f7f7bda55e65ca552b8c06bfbbc2e2cbc20669812645fff7fef69f57b2db 37156 mos_files/YOUTUBE_UGC_480P_metadata.csv
b219409382ccf3234b0c63721828a45e7b9673725440a133950822cc8176076e 35690 mos_files/YOUTUBE_UGC_720P_metadata.csv
""",
    ),
    (
        "xinyiW915/RVS-resize/91f1cfbd4af010dac277a16be140a5996fe4b505",
        "none stated",
        """
c7078cbb16c2471fce8fc52289a1c76383da989dcacafee3d70816dc353bb7e1 3505354 feat_file/resolution/YOUTUBE_UGC_1080P_CNN_feats.mat
a16487a5870f5dee572fafd6c25c4ef9b3fca440942ec0ae245dc8940d3b0a49 1988867 feat_file/resolution/YOUTUBE_UGC_2160P_NSS_CNN_Saliency_feats.mat
be6ba46f287e31a20452d5254030f7a14f35e6d87084f4017ce4671935b1b8a6 2711410 feat_file/resolution/YOUTUBE_UGC_360P_CNN_feats.mat
1effdf62e9f67fc9b4ce889d90a15f457e43bda4c1a5d0abb335145a2eaf5e46 3153708 feat_file/resolution/YOUTUBE_UGC_480P_CNN_feats.mat
a56143e49cb0730a7b369b35ed388c94c90c9165f40566e238501932f82d2001 3019818 feat_file/resolution/YOUTUBE_UGC_720P_CNN_feats.mat
""",
    ),
    (
        "zwx8981/TCSVT-2022-BVQA/2b87ed1eff509a49483b1af72a6aa74b944504b4",
        "Apache-2.0",
        """
7b5a583cbeb91d88faebac94a47427540929efbfc9dc5f74a5509f027203da42 3285719 results/All_results_of_compared_methods.zip
""",
    ),
)


@dataclass(frozen=True)
class SourceFile:
    """One published file.

    Attributes:
        url: its address.
        sha256: of its bytes.
        size: in bytes.
        licence: of its repository.
    """

    url: str
    sha256: str
    size: int
    licence: str

    def remote(self, path: str) -> RemoteFile:
        """The file as one to be kept at ``path``, below the folder of an entry."""
        return RemoteFile(self.url, path, self.sha256, f"licence of its repository: {self.licence}", self.size)


def _read() -> dict[str, SourceFile]:
    files = {}
    for repository, licence, lines in _REPOSITORIES:
        owner, name, _ = repository.split("/")
        for line in lines.split("\n")[1:-1]:
            sha256, size, path = line.split(" ")
            files[f"{owner}/{name}/{path}"] = SourceFile(f"{_RAW}/{repository}/{path}", sha256, int(size), licence)
    return files


FILES = _read()
"""All files by ``owner/repository/path``."""
